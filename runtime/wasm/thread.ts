/**
 * A thread of a wasm session: walks the command list of each run, as all the others do, and takes its share of the groups of
 * each command; between two commands the threads meet. Nothing is allocated on the way.
 *
 * The text of `wasmThread` is also the program of the worker threads (`workers.ts`), so that bundlers need not know of them:
 * it uses what it is given and the globals of every engine, and nothing of this module.
 */

/** The first words of the memory: what the host and the threads tell each other. */
export const controlBytes = 1024

/** Places among the words. */
export const control = {
  /** Runs that were enqueued, begun (their uploads are where kernels read them), and ended; they wrap around. */
  published: 0,
  started: 1,
  finished: 2,
  /** Not zero when the host waits for one of these two. */
  wanted: 3,
  /** How often the threads have met, and how many have arrived to meet again. */
  phase: 4,
  arrived: 5,
  /** Groups of the command in progress that were taken. */
  claimed: 6,
  /** Of the runs enqueued, those that have something to share: the first thread walks all lists, the others only theirs. */
  shared: 7,
  /** From here on four words for each of the last four runs enqueued: its list, its row of scalars, the range to upload. */
  runs: 16,
  /** The lists of the last four shared ones. */
  sharedLists: 32,
} as const

/** One run of an entry. */
export interface RunList {
  /** Kernel, groups, groups to take at once (0: one thread takes them all), the number of addresses, the addresses; and so on. */
  readonly commands: Int32Array
  /** Whether threads share any of them. */
  readonly shared: boolean
  /** Word addresses of its scalars, and each one's place in a row. */
  readonly scalars: Int32Array
}

export interface ThreadSetup {
  readonly memory: WebAssembly.Memory
  readonly modules: readonly WebAssembly.Module[]
  /** By number: the module, and the function's name. */
  readonly kernels: readonly (readonly [module: number, name: string])[]
  readonly lists: readonly RunList[]
  readonly control: typeof control
  readonly thread: number
  readonly threads: number
  /** Address of this thread's work space. */
  readonly workspace: number
  /** Where uploads wait, and how far below them what kernels read lies. */
  readonly mirror: number
  readonly mirrorDistance: number
  /** Address and words of the rows of scalars. */
  readonly ring: number
  readonly rowWords: number
  /** For tests: words to overwrite before each run, as addresses and counts. */
  readonly poison: readonly (readonly [address: number, words: number])[]
  /** How often a thread looks before it sleeps: some 50 µs. */
  readonly spins: number
}

/**
 * Instantiates the kernels; the function it returns walks the list of the k-th run, or the k-th shared one. `tell`: something
 * moved that the host waits for.
 */
export function wasmThread(setup: ThreadSetup, tell: () => void): (k: number) => void {
  const { memory, modules, kernels, lists, control: at, thread, threads, workspace, mirror, ring, rowWords } = setup
  const instances = modules.map((module) => new WebAssembly.Instance(module, { dlm: { memory, workspace } }))
  const functions = kernels.map(([module, name]) => instances[module]!.exports[name] as (...words: number[]) => void)
  const words = new Int32Array(memory.buffer)
  const bytes = new Uint8Array(memory.buffer)
  // One array of arguments per number of arguments: a call makes no new one.
  const argumentLists: number[][] = []
  const call = (kernel: number, first: number, end: number, commands: Int32Array, from: number, count: number) => {
    argumentLists[count] ??= new Array<number>(count + 2).fill(0)
    const list = argumentLists[count]!
    list[0] = first
    list[1] = end
    for (let i = 0; i < count; i++) list[i + 2] = commands[from + i]!
    functions[kernel]!.apply(undefined, list)
  }
  const waitWhile = (place: number, value: number) => {
    for (let i = setup.spins; i > 0; i--) if (Atomics.load(words, place) !== value) return
    while (Atomics.load(words, place) === value) Atomics.wait(words, place, value)
  }
  const meet = () => {
    if (threads === 1) return
    const phase = Atomics.load(words, at.phase)
    if (Atomics.add(words, at.arrived, 1) === threads - 1) {
      Atomics.store(words, at.arrived, 0)
      Atomics.store(words, at.claimed, 0)
      Atomics.store(words, at.phase, (phase + 1) | 0)
      Atomics.notify(words, at.phase)
    } else waitWhile(at.phase, phase)
  }
  const advance = (place: number, k: number) => {
    Atomics.store(words, place, k)
    if (Atomics.exchange(words, at.wanted, 0) !== 0) tell()
  }

  const waitFor = (place: number, k: number) => {
    for (let seen = Atomics.load(words, place); ((seen - k) | 0) < 0; seen = Atomics.load(words, place))
      waitWhile(place, seen)
  }
  const walk = (commands: Int32Array) => {
    // What the first thread does alone, the others must not overtake.
    let alone = true
    for (let i = 0; i < commands.length; ) {
      const kernel = commands[i]!
      const groups = commands[i + 1]!
      const share = commands[i + 2]!
      const count = commands[i + 3]!
      if (share === 0 || threads === 1) {
        alone = true
        if (thread === 0) call(kernel, 0, groups, commands, i + 4, count)
      } else {
        if (alone) meet()
        alone = false
        for (let first = Atomics.add(words, at.claimed, share); first < groups; ) {
          call(kernel, first, Math.min(first + share, groups), commands, i + 4, count)
          first = Atomics.add(words, at.claimed, share)
        }
        meet()
      }
      i += 4 + count
    }
  }
  if (thread !== 0)
    return (k) => {
      waitFor(at.shared, k)
      walk(lists[words[at.sharedLists + (k & 3)]!]!.commands)
    }
  return (k) => {
    waitFor(at.published, k)
    const slot = at.runs + 4 * (k & 3)
    const { commands, scalars } = lists[words[slot]!]!
    const row = words[slot + 1]!
    const [first, end] = [mirror + words[slot + 2]!, mirror + words[slot + 3]!]
    if (end > first) bytes.copyWithin(first - setup.mirrorDistance, first, end)
    advance(at.started, k)
    for (const [address, count] of setup.poison) words.fill(0xffc0dead | 0, address / 4, address / 4 + count)
    walk(commands)
    for (let i = 0; i < scalars.length; i += 2) words[ring / 4 + row * rowWords + scalars[i + 1]!] = words[scalars[i]!]!
    advance(at.finished, k)
  }
}
