// Owns flags: 32 bits each on the transaction, on the branch and on the script run.
import type { BuiltinMeta } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { currentRun } from './runtime.ts'

function bit(flag: number | string): number {
  const index = Number(flag)
  if (!Number.isInteger(index) || index < 0 || index > 31) throw new Error(`Flag ${flag} is not between 0 and 31.`)
  return 1 << index
}

export interface FlagField {
  get(): number
  set(flags: number): void
}

export const TRANSACTION: FlagField = {
  get: () => currentRun().state.flags,
  set: (flags) => {
    currentRun().state.flags = flags
  },
}
/** Flags of the branch: of the target that is being decided on, in a reply route of the branch that answered. */
export const BRANCH: FlagField = {
  get: () => {
    const run = currentRun()
    return run.target?.branchFlags ?? run.state.sentFlags?.[run.meta.branch] ?? 0
  },
  set: (flags) => {
    const run = currentRun()
    const { target } = run
    if (target) target.branchFlags = flags
    else if (run.meta.branch >= 0) {
      run.state.sentFlags ??= []
      run.state.sentFlags[run.meta.branch] = flags
    }
  },
}
export const SCRIPT: FlagField = {
  get: () => currentRun().scriptFlags,
  set: (flags) => {
    currentRun().scriptFlags = flags
  },
}

function meta(name: string, kamailio: string, aliases: string[], doc: string): Omit<BuiltinMeta, 'waits'> {
  return {
    name,
    kamailio,
    aliases,
    // The flags of the message are keywords of the core.
    module: ['setflag', 'resetflag', 'isflagset'].includes(kamailio) ? 'core' : 'kex',
    parameters: [{ name: 'flag', kind: 'flag', constant: true }],
    routes: ANY_ROUTE,
    doc,
    example: `${kamailio}(5);`,
  }
}

function setter(field: FlagField) {
  return (flag: number | string): number => {
    field.set(field.get() | bit(flag))
    return 1
  }
}
function resetter(field: FlagField) {
  return (flag: number | string): number => {
    field.set(field.get() & ~bit(flag))
    return 1
  }
}
function reader(field: FlagField) {
  return (flag: number | string): number => ((field.get() & bit(flag)) !== 0 ? 1 : -1)
}

export const setFlag = define(
  meta('setFlag', 'setflag', [], 'Sets a flag of the message; the transaction keeps it.'),
  setter(TRANSACTION),
)
export const resetFlag = define(
  meta('resetFlag', 'resetflag', [], 'Clears a flag of the message and its transaction.'),
  resetter(TRANSACTION),
)
export const isFlagSet = define(
  meta('isFlagSet', 'isflagset', [], 'True if the flag of the message or its transaction is set.'),
  reader(TRANSACTION),
)
/** Flags of the branch of that number: 0 is the R-URI, from 1 on those that append_branch made; undefined when there is none. */
function branchField(number: number | string | undefined): FlagField | undefined {
  const index = Number(number ?? 0)
  if (index === 0) return BRANCH
  const branch = currentRun().state.branches[index - 1]
  if (branch === undefined) return undefined
  return {
    get: () => branch.branchFlags,
    set: (flags) => {
      branch.branchFlags = flags
    },
  }
}

function ofBranch(
  name: string,
  kamailio: string,
  doc: string,
  act: (field: FlagField) => (flag: number | string) => number,
) {
  const own = meta(name, kamailio, [], doc)
  return define(
    { ...own, parameters: [...own.parameters, { name: 'branch', kind: 'int', optional: true }] },
    (flag: number | string, branch?: number | string) => {
      const field = branchField(branch)
      return field === undefined ? -1 : act(field)(flag)
    },
  )
}
export const setBranchFlag = ofBranch(
  'setBranchFlag',
  'setbflag',
  'Sets a flag of the branch, or of the one of that number: 0 is the R-URI, 1 the first that was added.',
  setter,
)
export const resetBranchFlag = ofBranch('resetBranchFlag', 'resetbflag', 'Clears a flag of a branch.', resetter)
export const isBranchFlagSet = ofBranch('isBranchFlagSet', 'isbflagset', 'True if the flag of a branch is set.', reader)
export const setScriptFlag = define(
  meta('setScriptFlag', 'setsflag', [], 'Sets a flag that lasts until the script ends.'),
  setter(SCRIPT),
)
export const resetScriptFlag = define(
  meta('resetScriptFlag', 'resetsflag', [], 'Clears a flag that lasts until the script ends.'),
  resetter(SCRIPT),
)
export const isScriptFlagSet = define(
  meta('isScriptFlagSet', 'issflagset', [], 'True if the script flag is set.'),
  reader(SCRIPT),
)
