// Owns what follows a route that decides about branches, whether it waits or not, ends well or fails.

/** Runs the route, then `done`; a failure is told first. */
export function afterRoute(run: () => void | Promise<void>, done: () => void, told: (error: unknown) => void): void {
  const failed = (error: unknown): void => {
    told(error)
    done()
  }
  try {
    const result = run()
    if (result instanceof Promise) result.then(done, failed).catch(told)
    else done()
  } catch (error) {
    failed(error)
  }
}
