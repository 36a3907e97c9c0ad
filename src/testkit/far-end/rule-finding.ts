// Owns the shape of what a far end's check of one rule saw.

/** `status` is what Microsoft answers where the rule is broken; 0: it is only noted. */
export interface RuleFinding {
  readonly rule: string
  readonly kept: boolean
  readonly saw: string
  readonly status: number
}
