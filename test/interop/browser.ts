// Owns Chromium for interop tests, driven from outside; what its page does is in page.js.
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const PAGE = fileURLToPath(new URL('page.js', import.meta.url))

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--autoplay-policy=no-user-gesture-required',
  // The test's namespace has no other interface.
  '--allow-loopback-in-peer-connection',
  // Names by multicast DNS need a network that has it.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
]

export class BrowserPhone {
  readonly #browser: Browser
  readonly #page: Page

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser
    this.#page = page
  }

  /** Starts the browser with a page that sends `frequency` hertz once it is in a call. */
  static async open(frequency: number): Promise<BrowserPhone> {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: FLAGS })
    const phone = new BrowserPhone(browser, await browser.newPage())
    await phone.#page.addScriptTag({ path: PAGE })
    await phone.#ask('start', frequency)
    return phone
  }

  /** A new connection in the place of the one before. */
  async reset(): Promise<void> {
    await this.#ask('reset')
  }

  /** Its offer, with all its candidates; `PCMU` and its like are all that it offers. */
  offer(codec: string, options: { iceRestart?: boolean } = {}): Promise<string> {
    return this.#ask('offer', options, codec)
  }

  answer(offer: string): Promise<string> {
    return this.#ask('answer', offer)
  }

  async accept(answer: string): Promise<void> {
    await this.#ask('accept', answer)
  }

  /** `connected`, once ICE and DTLS are through. */
  state(): Promise<string> {
    return this.#ask('state')
  }

  /** The share of what it hears now that lies at `frequency` hertz, 0 to 1. */
  hears(frequency: number): Promise<number> {
    return this.#ask('hears', frequency)
  }

  /** Rows of getStats of one type. */
  stats(type: string): Promise<Record<string, unknown>[]> {
    return this.#ask('stats', type)
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }

  #ask<T>(verb: string, ...values: readonly unknown[]): Promise<T> {
    return this.#page.evaluate<T>(`phone.${verb}(...${JSON.stringify(values)})`)
  }
}
