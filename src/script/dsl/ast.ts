// Owns the syntax tree of the Kamailio language. Every node keeps the token that messages point at.

import type { RouteKind } from '../../../stdlib/contract.ts'
import type { PvNode } from '../../../stdlib/registry.ts'
import type { Token } from './tokens.ts'

export type BinaryOperatorName =
  | '||'
  | '&&'
  | '|'
  | '&'
  | '^'
  | '<<'
  | '>>'
  | '=='
  | '!='
  | '=~'
  | 'eq'
  | 'ne'
  | 'ieq'
  | 'ine'
  | '>'
  | '<'
  | '>='
  | '<='
  | '+'
  | '-'
  | '*'
  | '/'
  | 'mod'

export interface NumberExpression {
  readonly kind: 'number'
  readonly value: number
  readonly at: Token
}
export interface StringExpression {
  readonly kind: 'string'
  readonly value: string
  readonly at: Token
}
export interface VariableExpression {
  readonly kind: 'variable'
  readonly node: PvNode
  readonly at: Token
}
/** `@contact.uri.host` */
export interface SelectExpression {
  readonly kind: 'select'
  readonly path: string
  readonly at: Token
}
/** A bare word, perhaps with colons and dots: a flag's name, a route's name, `udp:10.0.0.1:5060`. */
export interface WordExpression {
  readonly kind: 'word'
  readonly text: string
  readonly at: Token
  /** Last token of it. */
  readonly end: Token
}
export interface CallExpression {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly Expression[]
  readonly at: Token
  readonly end: Token
}
/** `route(NAME)` or `route(expression)` */
export interface RouteCallExpression {
  readonly kind: 'route-call'
  readonly target: Expression
  readonly at: Token
}
export interface UnaryExpression {
  readonly kind: 'unary'
  readonly operator: '!' | '-' | '~' | 'defined' | 'int' | 'str'
  readonly operand: Expression
  readonly at: Token
}
export interface BinaryExpression {
  readonly kind: 'binary'
  readonly operator: BinaryOperatorName
  readonly left: Expression
  readonly right: Expression
  readonly at: Token
}
/** `method == "INVITE"`, `src_ip == 10.0.0.0/8`, `uri == myself` */
export interface OldComparison {
  readonly kind: 'old-comparison'
  readonly operand: string
  readonly operator: BinaryOperatorName
  readonly right: Expression
  readonly at: Token
}
/** An old operand without comparison: `if (uri)`. */
export interface OldOperand {
  readonly kind: 'old-operand'
  readonly operand: string
  readonly at: Token
}
/** `10.0.0.1`, `10.0.0.0/8`, `[::1]` */
export interface AddressExpression {
  readonly kind: 'address'
  readonly text: string
  readonly at: Token
  readonly end: Token
}
/** `($avp(x) = "v")` where a value is wanted. */
export interface AssignExpression {
  readonly kind: 'assign'
  readonly target: Expression
  readonly value: Expression
  readonly at: Token
}
/** `{ actions }` where a value is wanted. */
export interface BlockExpression {
  readonly kind: 'block'
  readonly body: readonly Statement[]
  readonly at: Token
}

export type Expression =
  | NumberExpression
  | StringExpression
  | VariableExpression
  | SelectExpression
  | WordExpression
  | CallExpression
  | RouteCallExpression
  | UnaryExpression
  | BinaryExpression
  | OldComparison
  | OldOperand
  | AddressExpression
  | AssignExpression
  | BlockExpression

export interface IfStatement {
  readonly kind: 'if'
  readonly condition: Expression
  readonly then: readonly Statement[]
  readonly otherwise: readonly Statement[] | undefined
  readonly at: Token
}
export interface SwitchCase {
  /** Undefined: default. */
  readonly label: Expression | undefined
  readonly regex: boolean
  readonly body: readonly Statement[]
  readonly at: Token
}
export interface SwitchStatement {
  readonly kind: 'switch'
  readonly value: Expression
  readonly cases: readonly SwitchCase[]
  readonly at: Token
}
export interface WhileStatement {
  readonly kind: 'while'
  readonly condition: Expression
  readonly body: readonly Statement[]
  readonly at: Token
}
export interface AssignStatement {
  readonly kind: 'assignment'
  readonly target: Expression
  readonly value: Expression
  readonly at: Token
}
/** A call, or another expression, as a statement. */
export interface ExpressionStatement {
  readonly kind: 'expression'
  readonly value: Expression
  readonly at: Token
}
export interface LeaveStatement {
  readonly kind: 'leave'
  readonly how: 'return' | 'exit' | 'drop' | 'break'
  readonly value: Expression | undefined
  readonly at: Token
}
export interface EmptyStatement {
  readonly kind: 'empty'
  readonly at: Token
}

export type Statement =
  | IfStatement
  | SwitchStatement
  | WhileStatement
  | AssignStatement
  | ExpressionStatement
  | LeaveStatement
  | EmptyStatement

/** `sub` is a `route[NAME]`, called by others; the rest begin runs. */
export type RouteBlockKind = RouteKind | 'sub' | 'onsend'

export interface RouteBlock {
  readonly kind: 'route'
  readonly routeKind: RouteBlockKind
  /** '' for request_route, reply_route and onreply_route[0]. */
  readonly name: string
  readonly body: readonly Statement[]
  readonly at: Token
  /** The name, or the keyword where there is none. */
  readonly nameAt: Token
}
export interface CoreAssignment {
  readonly kind: 'core'
  readonly name: string
  readonly value: Expression
  readonly at: Token
}
export interface ListenDeclaration {
  readonly kind: 'listen' | 'alias'
  readonly sockets: readonly { readonly text: string; readonly at: Token }[]
  readonly advertise: string | undefined
  readonly socketName: string | undefined
  readonly virtual: boolean
  readonly at: Token
}
export interface CustomAssignment {
  readonly kind: 'custom'
  readonly group: string
  readonly name: string
  readonly value: Expression
  readonly at: Token
}
export interface LoadModule {
  readonly kind: 'loadmodule'
  readonly path: Expression
  readonly at: Token
}
export interface ModuleParameter {
  readonly kind: 'modparam'
  readonly modules: Expression
  readonly name: Expression
  readonly value: Expression
  readonly at: Token
}
export interface FlagsDeclaration {
  readonly kind: 'flags'
  readonly flags: readonly { readonly name: string; readonly number: number | undefined; readonly at: Token }[]
  readonly at: Token
}

export type Declaration =
  | RouteBlock
  | CoreAssignment
  | ListenDeclaration
  | CustomAssignment
  | LoadModule
  | ModuleParameter
  | FlagsDeclaration
