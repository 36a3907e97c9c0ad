// Owns the bounds inside the isolate: builtins of JavaScript that allocate as much as an argument says are bounded or absent.

/** Longest string and array that one call may make by a number. */
const MOST_LENGTH = 1_000_000

function refuse(what: string, wanted: number): never {
  throw new RangeError(`${what}: ${wanted} is above this sandbox's bound of ${MOST_LENGTH}.`)
}

type Method = (this: unknown, ...args: never[]) => unknown

/** Puts a checked version in place of a method; `check` throws. */
function bound(owner: object, name: string, check: (self: unknown, args: readonly unknown[]) => void): void {
  const original = (owner as Record<string, Method>)[name]
  if (original === undefined) return
  const { apply } = Reflect
  const checked = {
    [name](this: unknown, ...args: unknown[]): unknown {
      check(this, args)
      return apply(original, this, args)
    },
  }[name]!
  Object.defineProperty(owner, name, { value: checked, writable: false, configurable: false, enumerable: false })
}

/** As {@link bound}, by the length of what the method walks over; on the path of every message, so nothing is built for it. */
function boundByLength(owner: object, name: string): void {
  const original = (owner as Record<string, Method>)[name]
  if (original === undefined) return
  const { apply } = Reflect
  const checked = {
    [name](this: { length: number }): unknown {
      if (this.length > MOST_LENGTH) refuse(`${name} over a length`, this.length)
      // biome-ignore lint/complexity/noArguments: V8 hands these on without building a list.
      return apply(original, this, arguments)
    },
  }[name]!
  Object.defineProperty(owner, name, { value: checked, writable: false, configurable: false, enumerable: false })
}

function guardStrings(): void {
  const text = String.prototype
  bound(text, 'repeat', (self, [count]) => {
    const wanted = String(self).length * Number(count)
    if (wanted > MOST_LENGTH) refuse('repeat', wanted)
  })
  for (const name of ['padStart', 'padEnd']) {
    bound(text, name, (_self, [length]) => {
      if (Number(length) > MOST_LENGTH) refuse(name, Number(length))
    })
  }
  boundByLength(text, 'split')
  bound(text, 'concat', (self, args) => {
    const wanted = args.reduce<number>((sum, arg) => sum + String(arg).length, String(self).length)
    if (wanted > MOST_LENGTH) refuse('concat', wanted)
  })
  for (const name of ['replaceAll', 'replace', 'matchAll', 'match']) boundByLength(text, name)
}

function guardArrays(): void {
  const list = Array.prototype
  // What walks or fills by length takes as long as the length says, also on an object that only claims one.
  const walking = [
    'fill',
    'join',
    'concat',
    'reverse',
    'sort',
    'toSorted',
    'toReversed',
    'toSpliced',
    'with',
    'map',
    'filter',
    'forEach',
    'every',
    'some',
    'reduce',
    'reduceRight',
    'find',
    'findIndex',
    'findLast',
    'findLastIndex',
    'includes',
    'indexOf',
    'lastIndexOf',
    'copyWithin',
    'flat',
    'flatMap',
    'slice',
    'splice',
    'shift',
    'unshift',
    'toString',
    'toLocaleString',
  ]
  for (const name of walking) boundByLength(list, name)
  const NativeArray = Array
  const checkLength = (args: readonly unknown[]) => {
    if (args.length === 1 && typeof args[0] === 'number' && args[0] > MOST_LENGTH) refuse('Array', args[0])
  }
  // Array.prototype.constructor stays: changing it would take V8's fast path from every map, filter and slice.
  const guarded = new Proxy(NativeArray, {
    construct(target, args, newTarget) {
      checkLength(args)
      return Reflect.construct(target, args, newTarget)
    },
    apply(target, self, args) {
      checkLength(args)
      return Reflect.apply(target, self, args)
    },
  })
  bound(NativeArray, 'from', (_self, [source]) => {
    if (typeof source === 'object' && source !== null && !(Symbol.iterator in source)) {
      const { length } = source as { length?: unknown }
      if (Number(length) > MOST_LENGTH) refuse('Array.from', Number(length))
    }
  })
  Object.defineProperty(globalThis, 'Array', {
    value: guarded,
    writable: false,
    configurable: false,
    enumerable: false,
  })
}

/** What a route has no use for, and what makes memory or code that no limit sees. */
const ABSENT = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'Atomics',
  'DataView',
  'WebAssembly',
  'BigInt',
  'BigInt64Array',
  'BigUint64Array',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'FinalizationRegistry',
  'WeakRef',
  'console',
]

function removeGlobals(): void {
  for (const name of ABSENT) {
    if (!(name in globalThis)) continue
    Object.defineProperty(globalThis, name, {
      get(): never {
        throw new ReferenceError(`${name} is not available in a route script.`)
      },
      configurable: false,
      enumerable: false,
    })
  }
}

/** Code from text could hold what compiling keeps out, such as literals of huge integers. */
function removeEvaluation(): void {
  const refused = (): never => {
    throw new EvalError('A route script makes no code from text: eval and Function are not available.')
  }
  const kinds = [() => {}, async () => {}, function* () {}, async function* () {}]
  for (const kind of kinds) {
    const prototype = Object.getPrototypeOf(kind)
    Object.defineProperty(prototype, 'constructor', { value: refused, writable: false, configurable: false })
  }
  for (const name of ['eval', 'Function']) {
    Object.defineProperty(globalThis, name, { value: refused, writable: false, configurable: false, enumerable: false })
  }
}

/** Node's names, so that a script is told why they are missing. */
function explainNode(): void {
  const reasons: Readonly<Record<string, string>> = {
    process: 'A route script runs without Node: there is no process. Use env() in config for environment variables.',
    fetch: 'A route script has no network: fetch is not available.',
    setTimeout: 'A route script has no timers of its own: setTimeout is not available.',
    setInterval: 'A route script has no timers of its own: setInterval is not available.',
  }
  for (const [name, reason] of Object.entries(reasons)) {
    Object.defineProperty(globalThis, name, {
      get(): never {
        throw new ReferenceError(reason)
      },
      configurable: true,
      enumerable: false,
    })
  }
  // A function: esbuild looks at what require is before anything is called.
  const require = (): never => {
    throw new ReferenceError(
      'A route script runs without Node: there is no require. Import other files of yours, or builtins from signalbox.',
    )
  }
  Object.defineProperty(globalThis, 'require', { value: require, configurable: true, enumerable: false })
}

/** Called once the bundle stands: the bundle's own code may need what is taken away. */
export function raiseGuards(): void {
  guardStrings()
  guardArrays()
  removeGlobals()
  removeEvaluation()
  explainNode()
}
