// Owns values that the host delivers later, and the driving of route functions that wait for them without a promise.

/** A result that is not there yet. The host settles it once; whoever waits goes on within the same entry. */
export class Pending<T> {
  #state: 'waiting' | 'settled' | 'failed' = 'waiting'
  #value: T | undefined
  #error: unknown
  #waiters: { settled: (value: T) => void; failed: (error: unknown) => void }[] = []

  settle(value: T): void {
    if (this.#state !== 'waiting') return
    this.#state = 'settled'
    this.#value = value
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.settled(value)
  }

  fail(error: unknown): void {
    if (this.#state !== 'waiting') return
    this.#state = 'failed'
    this.#error = error
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.failed(error)
  }

  /** Calls one of the two, at once if the value is there already. */
  when(settled: (value: T) => void, failed: (error: unknown) => void): void {
    if (this.#state === 'waiting') this.#waiters.push({ settled, failed })
    else if (this.#state === 'settled') settled(this.#value as T)
    else failed(this.#error)
  }

  /** The same wait, with the value changed by `change`. */
  map<U>(change: (value: T) => U): Pending<U> {
    return this.chain(change)
  }

  /** As {@link map}; where `next` itself has to wait, the result waits for that too. */
  chain<U>(next: (value: T) => U | Pending<U>): Pending<U> {
    const after = new Pending<U>()
    const failed = (error: unknown) => after.fail(error)
    this.when((value) => {
      try {
        const result = next(value)
        if (result instanceof Pending) result.when((late) => after.settle(late), failed)
        else after.settle(result)
      } catch (error) {
        after.fail(error)
      }
    }, failed)
    return after
  }
}

/** Goes on with a value that may have to be waited for. */
export function after<T, U>(value: T | Pending<T>, next: (value: T) => U | Pending<U>): U | Pending<U> {
  return value instanceof Pending ? value.chain(next) : next(value)
}

export function toPromise<T>(pending: Pending<T>): Promise<T> {
  return new Promise((resolve, reject) => pending.when(resolve, reject))
}

/**
 * Takes what a route function returned to its end: a generator is stepped, each {@link Pending} that it yields is
 * waited for and its value handed back in; a promise is followed; anything else is the result itself.
 */
export function drive(result: unknown): unknown | Pending<unknown> {
  if (typeof result !== 'object' || result === null) return result
  if (result instanceof Pending) return result
  if (typeof (result as Generator).next === 'function') return step(result as Generator, undefined)
  if (typeof (result as PromiseLike<unknown>).then === 'function') {
    const pending = new Pending<unknown>()
    ;(result as PromiseLike<unknown>).then(
      (value) => pending.settle(value),
      (error) => pending.fail(error),
    )
    return pending
  }
  return result
}

function step(generator: Generator, first: unknown): unknown | Pending<unknown> {
  let input = first
  for (;;) {
    const { done, value } = generator.next(input)
    if (done) return value
    if (!(value instanceof Pending)) {
      input = value
      continue
    }
    const ended = new Pending<unknown>()
    const goOn = (advance: () => unknown) => {
      try {
        const result = advance()
        if (result instanceof Pending)
          result.when(
            (late) => ended.settle(late),
            (error) => ended.fail(error),
          )
        else ended.settle(result)
      } catch (error) {
        ended.fail(error)
      }
    }
    value.when(
      (answer) => goOn(() => step(generator, answer)),
      (error) =>
        goOn(() => {
          const thrown = generator.throw(error)
          return thrown.done ? thrown.value : step(generator, thrown.value)
        }),
    )
    return ended
  }
}
