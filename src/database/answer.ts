// Owns answers that are there at once, or later: a file of SQLite answers at once, a server does not.

export type Answer<T> = T | Promise<T>

/** Goes on with an answer, at once where it is there. */
export function chain<T, U>(answer: Answer<T>, next: (value: T) => Answer<U>): Answer<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer)
}

/** Does something whose failure, now or later, gives another answer. */
export function guarded<T>(attempt: () => Answer<T>, failed: (error: unknown) => T): Answer<T> {
  try {
    const answer = attempt()
    return answer instanceof Promise ? answer.catch(failed) : answer
  } catch (error) {
    return failed(error)
  }
}
