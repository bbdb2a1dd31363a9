/**
 * A thread of a wasm session. One of them at a time walks the command list of a run: what is small it does alone, what is worth it
 * opens to all, in portions. Every thread takes portions of whatever is open; who ends the last one walks on. So nobody
 * waits for a thread that has taken nothing, as when the system gave its core to another program. Nothing is allocated on the way.
 * The host may be one of them: then it begins each run, and goes on when that is over.
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
  /** Not zero when the host waits for one of the last two. */
  wanted: 3,
  /** The run in progress: its list, and its row of scalars. */
  list: 4,
  row: 5,
  /** How many commands were opened so far, and where in the list the last one stands. */
  opened: 6,
  command: 7,
  /** Of the open command: the low bits of its number, and the portions that were taken; how many of them are done. */
  taken: 8,
  done: 9,
  /** Not zero when a thread failed: the host, which may be waiting for its portion, takes no messages meanwhile. */
  failed: 10,
  /** From here on four words for each of the last four runs enqueued: its list, its row of scalars, the range to upload. */
  runs: 16,
  /** From here on a word for each thread: not zero while it is about to take something. */
  taking: 64,
} as const

/** One run of an entry. */
export interface RunList {
  /**
   * Kernel, groups, groups in a portion (0: they are not shared), the number of addresses, the addresses; and so on. A command
   * has fewer than 4095 portions.
   */
  readonly commands: Int32Array
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
  /** Whether the host is the first of them and begins the runs; else one of them begins each when it sees it was enqueued. */
  readonly hosted: boolean
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

export interface WasmThread {
  /** Does the k-th run from beginning to end, with the others if there are any; over it is unless one of them failed. */
  run(k: number): void
  /** Takes part in all runs to come, for ever. */
  serve(): void
}

/** `tell`: something moved that the host waits for. */
export function wasmThread(setup: ThreadSetup, tell: () => void): WasmThread {
  const { memory, modules, kernels, lists, control: at, thread, threads, workspace, mirror, ring, rowWords } = setup
  const instances = modules.map((module) => new WebAssembly.Instance(module, { dlm: { memory, workspace } }))
  const functions = kernels.map(([module, name]) => instances[module]!.exports[name] as (...words: number[]) => void)
  const words = new Int32Array(memory.buffer)
  const bytes = new Uint8Array(memory.buffer)
  // One array of arguments per number of arguments: a call makes no new one.
  const argumentLists: number[][] = []
  const call = (commands: Int32Array, i: number, first: number, end: number) => {
    const count = commands[i + 3]!
    argumentLists[count] ??= new Array<number>(count + 2).fill(0)
    const list = argumentLists[count]!
    list[0] = first
    list[1] = end
    for (let n = 0; n < count; n++) list[n + 2] = commands[i + 4 + n]!
    functions[commands[i]!]!.apply(undefined, list)
  }
  const waitWhile = (place: number, value: number) => {
    for (let i = setup.spins; i > 0; i--) if (Atomics.load(words, place) !== value) return
    while (Atomics.load(words, place) === value) Atomics.wait(words, place, value)
  }
  const advance = (place: number, k: number) => {
    Atomics.store(words, place, k)
    if (Atomics.exchange(words, at.wanted, 0) !== 0) tell()
  }

  // Of the word `taken`, the low 12 bits count portions from one, and none of them means that nothing is open. Above is the
  // command's number: a thread that was put to sleep before it could take its portion finds another number afterwards.
  const portions = 0xfff
  const numberBits = 20
  /** How long the host sleeps at most before it looks whether others ended what it waits for, in milliseconds. */
  const nap = 0.1
  const open = (i: number) => {
    const number = (Atomics.load(words, at.opened) + 1) | 0
    // Before a number comes again, nobody may be left who has read it.
    if ((number & ((1 << numberBits) - 1)) === 0)
      for (let t = 0; t < threads; t++) while (t !== thread && Atomics.load(words, at.taking + t) !== 0);
    Atomics.store(words, at.command, i)
    Atomics.store(words, at.done, 0)
    Atomics.store(words, at.taken, (number << 12) | 1)
    Atomics.store(words, at.opened, number)
    Atomics.notify(words, at.opened)
  }
  /** From a place in the list until something is open, or to the end of the run; whether it ended. */
  const walk = (from: number): boolean => {
    const { commands, scalars } = lists[words[at.list]!]!
    for (let i = from; i < commands.length; i += 4 + commands[i + 3]!) {
      if (commands[i + 2] !== 0) {
        open(i)
        return false
      }
      call(commands, i, 0, commands[i + 1]!)
    }
    const row = ring / 4 + words[at.row]! * rowWords
    for (let i = 0; i < scalars.length; i += 2) words[row + scalars[i + 1]!] = words[scalars[i]!]!
    advance(at.finished, words[at.started]!)
    return true
  }
  const begin = (k: number): boolean => {
    const slot = at.runs + 4 * (k & 3)
    Atomics.store(words, at.list, words[slot]!)
    words[at.row] = words[slot + 1]!
    const first = mirror + words[slot + 2]!
    const end = mirror + words[slot + 3]!
    if (end > first) bytes.copyWithin(first - setup.mirrorDistance, first, end)
    advance(at.started, k)
    for (const [address, count] of setup.poison) words.fill(0xffc0dead | 0, address / 4, address / 4 + count)
    return walk(0)
  }
  const walkOn = (from: number) => {
    let ended = from < 0 || walk(from)
    while (ended && !setup.hosted) {
      const k = (words[at.started]! + 1) | 0
      for (let seen = Atomics.load(words, at.published); ((seen - k) | 0) < 0; seen = Atomics.load(words, at.published))
        waitWhile(at.published, seen)
      ended = begin(k)
    }
  }
  /** Takes portions until there is none. */
  const help = () => {
    while (true) {
      Atomics.store(words, at.taking + thread, 1)
      const seen = Atomics.load(words, at.taken)
      const portion = (seen & portions) - 1
      const { commands } = lists[Atomics.load(words, at.list)]!
      const i = Atomics.load(words, at.command)
      const groups = commands[i + 1]!
      const share = commands[i + 2]!
      const more = portion >= 0 && portion * share < groups
      // Where another command was opened since, all that was read of the list may be wrong, and this fails.
      const mine = more && Atomics.compareExchange(words, at.taken, seen, seen + 1) === seen
      Atomics.store(words, at.taking + thread, 0)
      if (!more && Atomics.load(words, at.taken) === seen) return
      if (!mine) continue
      call(commands, i, portion * share, Math.min((portion + 1) * share, groups))
      if (Atomics.add(words, at.done, 1) + 1 < Math.ceil(groups / share)) continue
      Atomics.store(words, at.taken, seen & ~portions)
      walkOn(i + 4 + commands[i + 3]!)
    }
  }

  return {
    run(k) {
      begin(k)
      const isOver = () => Atomics.load(words, at.finished) === k || Atomics.load(words, at.failed) !== 0
      while (!isOver()) {
        const seen = Atomics.load(words, at.opened)
        help()
        for (let i = setup.spins; i > 0 && !isOver() && Atomics.load(words, at.opened) === seen; i--);
        // Who ends the run wakes nobody: it looks again soon.
        if (!isOver()) Atomics.wait(words, at.opened, seen, nap)
      }
    },
    serve() {
      try {
        if (thread === 0) walkOn(-1)
        while (true) {
          const seen = Atomics.load(words, at.opened)
          help()
          waitWhile(at.opened, seen)
        }
      } catch (error) {
        Atomics.store(words, at.failed, 1)
        throw error
      }
    },
  }
}
