// Owns the table of differences from Kamailio 5.6.3 that stay, each with its reason. The tests hold it to be complete and true.

/** Why signalbox does otherwise. */
export type Cause =
  /** 5.6.3 goes wrong where nobody can want it to: memory that is not its own, a crash, a value that was never set. */
  | 'kamailio'
  /** We refuse or answer more strictly, on purpose. */
  | 'stricter'
  /** We take more than 5.6.3 does; a file that runs there runs here. */
  | 'wider'
  /** Free by the RFC, or only text. */
  | 'free'
  /** Ours is wrong and not mended yet. */
  | 'open'

export interface Difference {
  /** Titles of hand-written cases. */
  readonly titles: RegExp
  readonly cause: Cause
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = [
  // Users.
  {
    titles: /^save: star and another$/,
    cause: 'stricter',
    reason: 'RFC 3261 10.3 step 6: a wildcard stands alone; 5.6.3 takes it and leaves the other contact out',
  },
  {
    titles: /^save: contacts that RFC 3261 holds for one$/,
    cause: 'stricter',
    reason: 'RFC 3261 10.3 step 7: contacts are compared as URIs (19.1.4); 5.6.3 compares their texts',
  },
  // Files.
  {
    titles: /^value of QSUBME$/,
    cause: 'wider',
    reason: '#!substdefs defines a text; 5.6.3 takes it for a name inside expressions',
  },
  {
    titles: /^switch default first/,
    cause: 'wider',
    reason: '5.6.3 refuses a switch of texts whose default stands first',
  },
  {
    titles: /^(?:pattern|substitution) /,
    cause: 'stricter',
    reason:
      'patterns that the C library takes in its own way (a repeated nothing, an open bracket, an interval upside down) are refused; a user part with < > is no URI to us',
  },
  {
    titles: /^subst_hf\("X-(?:A|None)", "[^"]*"\);$/,
    cause: 'wider',
    reason: 'the third argument of subst_hf may be left out',
  },
  {
    titles: /^\{s\.fmtline[st],4,2\} /,
    cause: 'kamailio',
    reason: 's.fmtlines cuts after one byte, whatever the width',
  },
  {
    titles: /^\{(?:s\.substr,2,-1|s\.substr,-5,-2|s\.rm,\()\} /,
    cause: 'wider',
    reason: '5.6.3 refuses a negative length and an open parenthesis in an argument',
  },
  // Expressions.
  {
    titles: /^truth of is_myself\("sip:x@other/,
    cause: 'wider',
    reason:
      'an alias in quotes with a port is a host name as a whole in 5.6.3, which no URI has; here it is host and port',
  },
  {
    titles: /^truth of status == 200$/,
    cause: 'kamailio',
    reason: 'status in a request route compares as an error (-1), which `while` and `!` take for true',
  },
  // Variables.
  {
    titles: /^(?:prints \[\$hdr\(X-Long\)\]|odd spacing|folded lines)$/,
    cause: 'free',
    reason: 'white space at the end of a value and line folds come as one space or none',
  },
  {
    titles: /^prints \$(?:\(hfl\(P-Asserted-Identity\)\[1\]\)|hfl\(P-Asserted-Identity\))$/,
    cause: 'wider',
    reason: '$hfl cuts every list header, 5.6.3 only some',
  },
  { titles: /^\$rU = 12: /, cause: 'wider', reason: '5.6.3 refuses to put a number into $rU' },
  { titles: /^\$xavp\(q=>x\)/, cause: 'kamailio', reason: 'prints an address of its memory' },
  // Transformations.
  {
    titles: /^\{s\.rafter,e\} /,
    cause: 'kamailio',
    reason: 's.rafter finds nothing in 5.6.3 (reads backwards past the beginning)',
  },
  {
    titles: /^\{(?:s\.int|uri\.port)\} of /,
    cause: 'kamailio',
    reason: 'an empty text that is the number 0 at the same time',
  },
  {
    titles: /^\{uri\.(?:saor|suri|duri)\} of /,
    cause: 'kamailio',
    reason: 'a byte of foreign memory between scheme and host',
  },
  {
    titles: /^\{uri\.tosocket\} of /,
    cause: 'kamailio',
    reason: 'nothing for sips and IPv6, and 5060 for transport=tls',
  },
  // Headers.
  {
    titles: /^set_body\("v=0/,
    cause: 'free',
    reason: 'order of Content-Type and Content-Length when the type stays the same',
  },
  // Targets.
  {
    titles: /^(?:\$rU = "a b"|rewritehost\("\$var)/,
    cause: 'stricter',
    reason: 'a URI with a space, $ or parenthesis is no URI',
  },
  {
    titles: /^(?:best of (?:401 and 407|503 and 503)|one branch 503|challenges gathered)$/,
    cause: 'free',
    reason:
      '503 and gathered challenges are the branch reply with changes here, a reply of its own in 5.6.3: tag, reason, order of lines',
  },
  // Replies.
  {
    titles: /^sl_send_reply\("404", "\$rU gone"\)/,
    cause: 'kamailio',
    reason: 'a reason that begins with a variable is cut after it',
  },
  {
    titles: /^sl_send_reply\("(?:700|99)",/,
    cause: 'stricter',
    reason: 'a status outside 100 to 699 is not sent (RFC 3261 7.2)',
  },
  {
    titles: /^sl_send_reply\("404", "A"\); sl_send_reply/,
    cause: 'stricter',
    reason: 'a request is answered finally once',
  },
  {
    titles: /^send_reply\("100", "Trying"\)/,
    cause: 'free',
    reason: 'Timestamp is copied into 100 (RFC 3261 8.2.6.1)',
  },
  {
    titles: /^retransmission$/,
    cause: 'stricter',
    reason: 'a retransmission that has a transaction never reaches the script',
  },
  // Route.
  // Vocabulary.
  {
    titles:
      /^vocabulary(?: \d+: (?:is_first_hop|uri_param\()|: (?:more codecs of texts|the rest of tm|places of the file))/,
    cause: 'free',
    reason:
      'which negative code a test of a text gives, and which code what has nothing to do; 5.6.3 does not find user and unknown parameters of the R-URI',
  },
  {
    titles: /^vocabulary: loose_route of modes$/,
    cause: 'kamailio',
    reason: 'remove_record_route leaves the end of its own Record-Route behind',
  },
]

/** A known difference that chance runs into as well, told by the text of the route and by what came of it. */
export interface GeneratedDifference {
  readonly applies: (text: string, kamailio: string, signalbox: string) => boolean
  readonly cause: Cause
  readonly reason: string
}

/** Both outcomes are the same but for what `blur` takes out of them. */
const alikeBut =
  (where: RegExp, blur: (outcome: string) => string): GeneratedDifference['applies'] =>
  (text, kamailio, signalbox) =>
    where.test(text) && blur(kamailio) === blur(signalbox)

/** What the failure routes of generated cases say of their branches when time is up; -1 where none does. */
const branchesAtTimeout = (outcome: string): number => Number(/"F 408 \S+ \S+ (\d+) /.exec(outcome)?.[1] ?? -1)

export const GENERATED_DIFFERENCES: readonly GeneratedDifference[] = [
  {
    applies: alikeBut(/t_relay\(/, (outcome) =>
      outcome.replace(/"SIP\/2\.0 500 (?:Service Unavailable|Server Internal Error)(?:[^"\\]|\\.)*"/g, '"500"'),
    ),
    cause: 'free',
    reason: 'a 503 becomes a 500: here the reply of the branch with its status changed, there a reply of its own',
  },
  {
    applies: alikeBut(/append_branch\(/, (outcome) =>
      outcome.replace(
        /"SIP\/2\.0 40[17] (?:Unauthorized|Proxy Authentication Required|Final)(?:[^"\\]|\\.)*"/g,
        '"40x"',
      ),
    ),
    cause: 'free',
    reason: 'challenges of several branches go upstream in the reply of one of them here, in a reply of its own there',
  },
  {
    applies: (text) => /selval\([^;]* (?:\/|mod) /.test(text),
    cause: 'free',
    reason: 'a condition of selval that divides by 0 counts as false in 5.6.3; here the whole cannot be computed',
  },
  {
    applies: (text, _kamailio, signalbox) =>
      /(?:==|!=)[^;]* (?:\/|mod) /.test(text) && /"said":\["\[kept\] -?\d+","F","\[<null>\]"\]/.test(signalbox),
    cause: 'kamailio',
    reason:
      'a text compared with what cannot be computed (a division by 0) gives a number that was never set; here the whole cannot be computed',
  },
  {
    applies: (text) =>
      /\bsubst\("\/(?:X-B: |\^Subject)/.test(text) &&
      /(?:insert|append)_hf\("[^"]*", "/.test(text) &&
      /msg_apply_changes\(/.test(text),
    cause: 'kamailio',
    reason:
      'a line put in where another function has changed the beginning of a line stands in the middle of that line',
  },
  {
    applies: (text) => /subst\("\/\^Subject[^/]*\/(?:Bye[^"]*|)\/\w*"\)/.test(text) && /msg_apply_changes\(/.test(text),
    cause: 'wider',
    reason:
      'a line without a name, made by the script, is a header line nobody asks for; 5.6.3 has no request any more',
  },
  {
    applies: (text, kamailio) => /remove_hf_exp\(/.test(text) && /\\r\\n\d+(?:[A-Z][\w-]*:|\\r)/.test(kamailio),
    cause: 'kamailio',
    reason: 'the new length of a body stands where a Content-Length was that the script has removed',
  },
  {
    applies: (text) => /\bsubst\("\/X-B: /.test(text) && /_hf_value\("X-B/.test(text),
    cause: 'kamailio',
    reason: 'two functions change the same bytes: 5.6.3 applies one within the other, or both beside one another',
  },
  {
    applies: alikeBut(/remove_hf_exp\(/, (outcome) => outcome.replace(/Content-Length: \d+\\r\\n/g, '')),
    cause: 'stricter',
    reason: 'a body that was changed has a Content-Length also where the script has taken it away (RFC 3261 20.14)',
  },
  {
    applies: (text) => /us%20er/.test(text) && /\{s\.(?:before|striptail|substr|select|prefixes)\b.*\{uri\./.test(text),
    cause: 'stricter',
    reason: 'a host has no escapes (RFC 3261 25.1): what is left of a URI before its @ is no URI',
  },
  {
    applies: (text) => /\{nameaddr\.\w+\}\{nameaddr\./.test(text),
    cause: 'kamailio',
    reason: 'a part of an address of which a part is taken is copied over itself',
  },
  {
    applies: (_text, kamailio, signalbox) => branchesAtTimeout(kamailio) > branchesAtTimeout(signalbox),
    cause: 'kamailio',
    reason:
      'the failure route of a time-out finds branches that the failure route of another request has left in the process of the timer',
  },
  {
    applies: alikeBut(/uri_param\(/, (outcome) => outcome.replace(/"-?1(?= [^"]*"|")/g, '"?')),
    cause: 'free',
    reason: 'uri_param looks at the R-URI as it is now; 5.6.3 at one that it has parsed before',
  },
  {
    applies: (text) => /record_route\(/.test(text) && /msg_apply_changes\(/.test(text),
    cause: 'wider',
    reason: 'msg_apply_changes refuses as long as a Record-Route is pending in 5.6.3; here all but that is applied',
  },
  {
    applies: (text) =>
      /\b(?:subst|replace|search_append)\w*\(/.test(text) &&
      (text.match(/\b(?:subst|replace|search_append|sdp_remove|sdp_keep|remove_body|set_body)\w*\(/g) ?? []).length > 1,
    cause: 'kamailio',
    reason: 'two functions change the same bytes: 5.6.3 applies one within the other, or both beside one another',
  },
  {
    applies: (text) =>
      /(?:subst_hf|replace\w*|subst|search_append|\w+_hf_value)\(/.test(text) && /(?:remove|exclude)_hf/.test(text),
    cause: 'kamailio',
    reason: 'what was put into a header that is removed then stays behind, without the end of its line',
  },
  {
    applies: alikeBut(/route\(R|is_method|has_totag|is_present_hf/, (outcome) => outcome.replace(/\] -?\d+"/g, ']"')),
    cause: 'free',
    reason: '$rc after an expression of which 5.6.3 leaves a call out',
  },
  {
    applies: (text) => /\{s\.(?:un|url)?(?:escape|decode)[^}]*\}.*\{(?:uri|tobody|nameaddr)\./.test(text),
    cause: 'stricter',
    reason: 'a text with what its escapes stood for is no URI any more',
  },
  {
    applies: (text) => /\{(?:param|line|uri|tobody)\.[^}]*\}.*\{s\.escape\.(?:user|param)\}/.test(text),
    cause: 'kamailio',
    reason: 'a part that is empty cannot be escaped in 5.6.3, any other empty text can',
  },
  {
    applies: (text) => /\{(?:s\.int|uri\.port)\}/.test(text),
    cause: 'free',
    reason: 'a text that is a number at the same time: "007" prints as it stood, and nothing counts as 0',
  },
]
