// Owns the session descriptions of the RFCs: each parses, and keeps its bytes.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describeSession, parseSdp, rawLines } from '../../src/sdp/index.ts'

const CORPUS = new URL('../../../shared/corpora/sdp/', import.meta.url)

if (!existsSync(CORPUS)) {
  process.stderr.write('SKIPPED the SDP corpus: ../shared/corpora/sdp is not there\n')
  describe.skip('session descriptions of the RFCs', () => {
    test('is there', () => {})
  })
} else {
  const rows = readFileSync(new URL('INDEX.tsv', CORPUS), 'utf8').trim().split('\n').slice(1)
  describe('session descriptions of the RFCs', () => {
    for (const row of rows) {
      const [id, file, source, , , media] = row.split('\t')
      test(`${id}, ${source}`, () => {
        const text = readFileSync(new URL(file!, CORPUS), 'latin1')
        const parsed = parseSdp(text)
        if (!parsed.ok) throw new Error(parsed.reason)
        expect(parsed.document.media).toHaveLength(Number(media))
        const lines = [parsed.document.session, ...parsed.document.media].flatMap((section) => section.lines)
        expect(lines.map((line) => text.slice(line.start, line.end)).join('')).toBe(
          text.replace(/(\r?\n)[\r\n]+$/, '$1'),
        )
        expect(
          rawLines(text)
            .map((line) => text.slice(line.start, line.end))
            .join(''),
        ).toBe(text)
        expect(describeSession(text)?.media).toHaveLength(Number(media))
      })
    }
  })
}
