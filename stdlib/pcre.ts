// Owns module regex: Perl's regular expressions, as far as they can be matched in linear time.
import { code, declarations, optional, text } from './declaration.ts'
import { define } from './define.ts'
import { perlRegex } from './regex.ts'
import { parameterValues } from './settings.ts'

const regex = declarations('regex')

export const pcreMatch = define(
  regex(
    'pcre_match',
    [text('text'), text('pattern')],
    'True if the Perl pattern matches. Look-around and back-references, which cannot be matched in linear time, are refused.',
    'pcre_match("$rU", "^[0-9]+")',
  ),
  (value: string, pattern: string) => code(perlRegex(pattern).test(value)),
)

export const pcreMatchGroup = define(
  regex(
    'pcre_match_group',
    [text('text'), optional(text('group'))],
    'True if a pattern of the group in the file of modparam `file` matches. The file is not read here: false.',
    'pcre_match_group("$rU", "0")',
  ),
  (_value: string, _group = '0') => (parameterValues('regex', 'file').length > 0 ? -1 : -4),
)
