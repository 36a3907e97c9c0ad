// Owns how long a suspended request waits for somebody to go on with it.

import { Deadline } from '../transaction/index.ts'

export class Suspension extends Deadline {
  readonly #over: () => void

  /** `over` is called when nobody came. */
  constructor(over: () => void) {
    super()
    this.#over = over
  }

  override expire(): void {
    this.#over()
  }
}
