/** What lies in a session's memory beside its arenas, by places: what the host and the threads tell each other, and command lists. */

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
  /** The run in progress: the addresses of its list, and of its row of scalars. */
  list: 4,
  row: 5,
  /** How many commands were opened so far, and the address of the last one. */
  opened: 6,
  command: 7,
  /** Of the open command: the low bits of its number, and the portions that were taken; how many of them are done. */
  taken: 8,
  done: 9,
  /** Not zero when a thread failed: the host, which may be waiting for its portion, takes no messages meanwhile. */
  failed: 10,
  /**
   * From here on four words for each of the last four runs enqueued: the addresses of its list and of its row of scalars, and what
   * is to be uploaded, its address and bytes.
   */
  runs: 16,
  /** What a session is, from here on: how many threads there are. */
  threads: 32,
  /** Not zero where the host is the first of them and begins the runs; else one of them begins each when it sees it was enqueued. */
  hosted: 33,
  /** How often a thread looks before it sleeps. */
  spins: 34,
  /** How far below where uploads wait lies what kernels read. */
  mirrorDistance: 35,
  /** For tests: where pairs of an address and bytes begin and end, which are overwritten before each run. */
  poison: 36,
  poisonEnd: 37,
  /** From here on a word for each thread: not zero while it is about to take something. */
  taking: 64,
} as const

/** Bytes from the address of a command to what it consists of. */
export const command = {
  kernel: 0,
  groups: 4,
  /** Groups in a portion; 0: they are not shared. A command has fewer than 4095 portions. */
  share: 8,
  /** How many addresses follow. */
  count: 12,
  addresses: 16,
} as const

/**
 * Bytes from the address of a list to the addresses of its commands and of its scalars, where the commands end, and of
 * where these end. The next list stands `bytes` further. Scalars are pairs: an address, and the bytes before it in a row.
 */
export const directory = { commands: 0, scalars: 4, end: 8, bytes: 8 } as const
