// Owns module userblocklist, and userblacklist, its name before 5.5: numbers that nobody, or one user, may call.
import { userPart } from '../src/sip/index.ts'
import { declarations, optional, text } from './declaration.ts'
import { defineWaiting } from './define.ts'
import { after, type Pending } from './pending.ts'
import { currentRun } from './runtime.ts'
import { ask } from './service.ts'

type Names = 'userblocklist' | 'userblacklist'

/** What the longest prefix in a list says: it blocks, it allows, or there is none. */
type Verdict = 'blocked' | 'allowed' | 'none' | 'failed'

const dialled = (): string | undefined => {
  const uri = currentRun().target?.parsed
  return uri && userPart(uri)
}
const blocks = (verdict: Verdict): number => (verdict === 'blocked' || verdict === 'failed' ? -1 : 1)
const allows = (verdict: Verdict): number => (verdict === 'allowed' ? 1 : -1)

function globally(module: Names, judge: (verdict: Verdict) => number, table: string | undefined) {
  const number = dialled()
  if (number === undefined) return -1
  return after(ask<Verdict>(module, 'global', { number, table: table ?? '' }), judge)
}

function ofUser(
  module: Names,
  judge: (verdict: Verdict) => number,
  [user, domain, given, table]: readonly [string, string, string?, string?],
): number | Pending<number> {
  const number = given ?? dialled()
  if (number === undefined) return -1
  return after(ask<Verdict>(module, 'user', { user, domain, number, table: table ?? '' }), judge)
}

const USER = [text('user'), text('domain'), optional(text('number')), optional(text('table'))]

function functionsOf(module: Names, block: string, allow: string) {
  const declare = declarations(module)
  return {
    block: defineWaiting(
      declare(
        `check_${block}`,
        [optional(text('table'))],
        'False if the user of the R-URI begins with a number that is blocked for everybody: the longest entry counts.',
        `if (!check_${block}()) { sl_send_reply("403", "Forbidden"); exit; }`,
      ),
      (table?: string) => globally(module, blocks, table),
    ),
    allow: defineWaiting(
      declare(
        `check_${allow}`,
        [text('table')],
        'True if the user of the R-URI begins with a number that the table allows: the longest entry counts.',
        `check_${allow}("global${block}");`,
      ),
      (table: string) => globally(module, allows, table),
    ),
    userBlock: defineWaiting(
      declare(
        `check_user_${block}`,
        USER,
        'False if this user may not call the number (that of the R-URI unless one is given).',
        `if (!check_user_${block}("$fU", "$fd")) { sl_send_reply("403", "Forbidden"); exit; }`,
      ),
      (...args: [string, string, string?, string?]) => ofUser(module, blocks, args),
    ),
    userAllow: defineWaiting(
      declare(
        `check_user_${allow}`,
        USER,
        'True if the table allows this user the number (that of the R-URI unless one is given).',
        `check_user_${allow}("$fU", "$fd");`,
      ),
      (...args: [string, string, string?, string?]) => ofUser(module, allows, args),
    ),
  }
}

const now = functionsOf('userblocklist', 'blocklist', 'allowlist')
const before = functionsOf('userblacklist', 'blacklist', 'whitelist')

export const checkBlocklist = now.block
export const checkAllowlist = now.allow
export const checkUserBlocklist = now.userBlock
export const checkUserAllowlist = now.userAllow
export const checkBlacklist = before.block
export const checkWhitelist = before.allow
export const checkUserBlacklist = before.userBlock
export const checkUserWhitelist = before.userAllow
