// Owns what is masked of a description before two relays' are compared: ports, keys, credentials, certificates, line ends.

/** Lines with PORT, KEY and their like in the place of what each relay chooses for itself. */
export function maskedSdp(sdp: string): string[] {
  let port = 0
  return sdp
    .split(/\r?\n/)
    .filter((line) => !/^a=rtpmap:\d+ \/0$/.test(line))
    .map((line) => {
      const media = /^(m=\S+ )(\d+)(.*)$/.exec(line)
      if (media) {
        port = Number(media[2])
        return port === 0 ? line : `${media[1]}PORT${media[3]}`
      }
      const rtcp = /^a=rtcp:(\d+)(.*)$/.exec(line)
      if (rtcp) return `a=rtcp:PORT+${Number(rtcp[1]) - port}${rtcp[2]}`
      if (line.startsWith('a=rtpengine:')) return 'a=rtpengine:ID'
      const candidate = /^a=candidate:\S+ (\d \S+ \d+ \S+) (\d+) (.*)$/.exec(line)
      if (candidate) return `a=candidate:FOUNDATION ${candidate[1]} PORT+${Number(candidate[2]) - port} ${candidate[3]}`
      return line
        .replace(/(inline:)[A-Za-z0-9+/]+/, '$1KEY')
        .replace(
          /^(a=ice-(?:ufrag|pwd):)(.*)$/,
          (_, name: string, value: string) => `${name}${value.length} characters`,
        )
        .replace(/^(a=fingerprint:\S+ )(.*)$/, (_, name: string, value: string) => `${name}${value.length} characters`)
    })
}
