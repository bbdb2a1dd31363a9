/**
 * The program of the threads of a wasm session, as WebAssembly. One of them at a time walks the command list of a run: what is
 * small it does alone, what is worth it opens to all, in portions. Every thread takes portions of whatever is open; who ends
 * the last one walks on. So nobody waits for a thread that has taken nothing, as when the system gave its core to another
 * program. The host may be one of them: then it begins each run, and goes on when that is over.
 *
 * It is kept assembled, in `conductor.generated.ts`, which `test/runtime/wasm-conductor.test.ts` compares with this and writes.
 *
 * In JavaScript these loops were so hot that the engine optimised them in every thread, for 1 to 2.5 MiB of a process (decision 30).
 */
import {
  add,
  and,
  assemble,
  atomicAdd,
  atomicLoad,
  atomicStore,
  below,
  block,
  branch,
  branchIf,
  type Code,
  call,
  choose,
  compareExchange,
  copy,
  divide,
  equal,
  exchange,
  get,
  giveBack,
  global,
  less,
  load,
  loop,
  loopWhile,
  multiply,
  not,
  notify,
  number,
  or,
  type Signature,
  set,
  shiftLeft,
  store,
  subtract,
  unequal,
  wait,
  when,
} from './assembly.ts'
import { command, control, directory } from './control.ts'

const thread = global(0)
/** Numbers of the functions; the first two are imported. */
const [tell, callLong, callKernel, open, advance, walk, waitWhile, begin, walkOn, help, isOver] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
] as const

/** The words that all threads see begin at address 0. */
const base = number(0)
const word = (place: number): number => 4 * place
const read = (place: number): Code => atomicLoad(base, word(place))
/** What never changes. */
const setting = (place: number): Code => load(base, word(place))
const write = (place: number, value: Code): Code => atomicStore(base, value, word(place))

// Of the word `taken`, the low 12 bits count portions from one, and none of them means that nothing is open. Above is the
// command's number: a thread that was put to sleep before it could take its portion finds another number afterwards.
const portions = 0xfff
const numberBits = 20

/** How long the host sleeps at most before it looks whether others ended what it waits for, in nanoseconds. */
const nap = 100_000

const one = number(1)
const bump = (local: number, by: Code): Code => set(local, add(get(local), by))
/** The command behind the one at this address. */
const following = (at: Code): Code =>
  add(add(at, number(command.addresses)), shiftLeft(load(at, command.count), number(2)))

/** Kernels with no more addresses are called from here, others by the thread's JavaScript. */
const mostAddresses = 8
const counts = Array.from({ length: mostAddresses + 1 }, (_, count) => count)

/** `(command, first, end)`: the kernel, with the addresses that stand in the command. A case for each number of them. */
const callBody: Code = [
  ...block(
    counts.reduce<Code>(
      (inner, count) => [
        ...block(inner),
        ...get(1),
        ...get(2),
        ...counts.slice(0, count).flatMap((n) => load(get(0), command.addresses + 4 * n)),
        ...load(get(0), command.kernel),
        ...[0x11, count, 0],
        ...giveBack(),
      ],
      [...load(get(0), command.count), 0x0e, counts.length, ...counts, counts.length],
    ),
  ),
  ...call(callLong, get(0), get(1), get(2)),
]

/** `(command)`. */
const openBody: Code = [
  ...set(1, add(read(control.opened), one)),
  // Before a number comes again, nobody may be left who has read it.
  ...when(
    not(and(get(1), number((1 << numberBits) - 1))),
    loopWhile(
      less(get(2), setting(control.threads)),
      loopWhile(and(unequal(get(2), thread), atomicLoad(shiftLeft(get(2), number(2)), word(control.taking)))),
      bump(2, one),
    ),
  ),
  ...write(control.command, get(0)),
  ...write(control.done, number(0)),
  ...write(control.taken, or(shiftLeft(get(1), number(12)), one)),
  ...write(control.opened, get(1)),
  ...notify(base, word(control.opened)),
]

/** `(address, k)`: a word that the host may wait for moves on. */
const advanceBody: Code = [
  ...atomicStore(get(0), get(1)),
  ...when(exchange(base, number(0), word(control.wanted)), call(tell)),
]

/** `(command) → ended`: from a place in the list until something is open, or to the end of the run. */
const walkBody: Code = [
  ...set(1, load(read(control.list), directory.scalars)),
  ...loopWhile(
    unequal(get(0), get(1)),
    when(load(get(0), command.share), call(open, get(0)), giveBack(number(0))),
    call(callKernel, get(0), number(0), load(get(0), command.groups)),
    set(0, following(get(0))),
  ),
  // The row of scalars, whose pairs come behind the commands.
  ...set(1, load(read(control.list), directory.end)),
  ...set(2, read(control.row)),
  ...loopWhile(unequal(get(0), get(1)), store(add(get(2), load(get(0), 4)), load(load(get(0)))), bump(0, number(8))),
  ...call(advance, number(word(control.finished)), read(control.started)),
  ...one,
]

/** `(address, value)`: looks for a while, then sleeps. Who calls looks again. */
const waitWhileBody: Code = [
  ...set(2, setting(control.spins)),
  ...loopWhile(get(2), when(unequal(atomicLoad(get(0)), get(1)), giveBack()), bump(2, number(-1))),
  ...wait(get(0), get(1), -1),
]

/** `(k) → ended`. */
const beginBody: Code = [
  ...set(1, shiftLeft(and(get(0), number(3)), number(4))),
  ...write(control.list, load(get(1), word(control.runs))),
  ...write(control.row, load(get(1), word(control.runs + 1))),
  ...set(2, load(get(1), word(control.runs + 2))),
  ...set(3, load(get(1), word(control.runs + 3))),
  ...when(get(3), copy(subtract(get(2), setting(control.mirrorDistance)), get(2), get(3))),
  ...call(advance, number(word(control.started)), get(0)),
  // For tests: pairs of an address and a number of bytes to overwrite.
  ...set(1, setting(control.poison)),
  ...loopWhile(
    unequal(get(1), setting(control.poisonEnd)),
    set(2, load(get(1))),
    set(3, add(get(2), load(get(1), 4))),
    loopWhile(unequal(get(2), get(3)), store(get(2), number(0xffc0dead | 0)), bump(2, number(4))),
    bump(1, number(8)),
  ),
  ...call(walk, load(read(control.list), directory.commands)),
]

/** `(command)`: on from there; from none, with the next run. Of a crew without the host, runs begin as they are enqueued. */
const walkOnBody: Code = [
  ...when(get(0), when(not(call(walk, get(0))), giveBack())),
  ...loopWhile(
    not(setting(control.hosted)),
    set(1, add(read(control.started), one)),
    loop(
      set(2, read(control.published)),
      when(
        less(subtract(get(2), get(1)), number(0)),
        call(waitWhile, number(word(control.published)), get(2)),
        branch(1),
      ),
    ),
    when(not(call(begin, get(1))), giveBack()),
  ),
]

/** Takes portions until there is none. */
const helpBody: Code = (() => {
  const [seen, first, at, groups, share, more, mine] = [0, 1, 2, 3, 4, 5, 6]
  const taking = (value: number) => atomicStore(shiftLeft(thread, number(2)), number(value), word(control.taking))
  return loop(
    taking(1),
    set(seen, read(control.taken)),
    set(at, read(control.command)),
    set(groups, load(get(at), command.groups)),
    set(share, load(get(at), command.share)),
    set(first, multiply(subtract(and(get(seen), number(portions)), one), get(share))),
    set(more, choose(below(get(first), get(groups)), number(0), and(get(seen), number(portions)))),
    // Where another command was opened since, all that was read may be wrong, and this fails.
    set(mine, number(0)),
    when(
      get(more),
      set(mine, equal(compareExchange(base, get(seen), add(get(seen), one), word(control.taken)), get(seen))),
    ),
    taking(0),
    when(and(not(get(more)), equal(read(control.taken), get(seen))), giveBack()),
    branchIf(0, not(get(mine))),
    set(mine, add(get(first), get(share))),
    call(callKernel, get(at), get(first), choose(get(mine), get(groups), below(get(mine), get(groups)))),
    branchIf(
      0,
      below(
        add(atomicAdd(base, one, word(control.done)), one),
        divide(subtract(add(get(groups), get(share)), one), get(share)),
      ),
    ),
    write(control.taken, and(get(seen), number(~portions))),
    call(walkOn, following(get(at))),
    branch(0),
  )
})()

/** `(k) → over`; over it is too when a thread failed. */
const isOverBody: Code = or(equal(read(control.finished), get(0)), read(control.failed))

/** `(k)`: a run from beginning to end, by the host with the others if there are any. */
const runBody: Code = [
  ...call(begin, get(0)),
  0x1a,
  ...loopWhile(
    not(call(isOver, get(0))),
    set(1, read(control.opened)),
    call(help),
    set(2, setting(control.spins)),
    loopWhile(
      choose(and(not(call(isOver, get(0))), equal(read(control.opened), get(1))), number(0), get(2)),
      bump(2, number(-1)),
    ),
    // Who ends the run wakes nobody: it looks again soon.
    when(not(call(isOver, get(0))), wait(base, get(1), nap, word(control.opened))),
  ),
]

/** Takes part in all runs to come, for ever. */
const serveBody: Code = [
  ...when(not(thread), call(walkOn, number(0))),
  ...loop(set(0, read(control.opened)), call(help), call(waitWhile, number(word(control.opened)), get(0)), branch(0)),
]

export function assembleConductor(): Uint8Array<ArrayBuffer> {
  const of = (parameters: number, results: number, locals: number, body: Code) => ({
    signature: [parameters, results] as Signature,
    locals,
    body,
  })
  return assemble(
    counts.map((count) => [count + 2, 0]),
    {
      globals: ['thread'],
      functions: [
        ['tell', [0, 0]],
        ['long', [3, 0]],
      ],
    },
    [
      of(3, 0, 0, callBody),
      of(1, 0, 2, openBody),
      of(2, 0, 0, advanceBody),
      of(1, 1, 2, walkBody),
      of(2, 0, 1, waitWhileBody),
      of(1, 1, 3, beginBody),
      of(1, 0, 2, walkOnBody),
      of(0, 0, 7, helpBody),
      of(1, 1, 0, isOverBody),
      { ...of(1, 0, 2, runBody), export: 'run' },
      { ...of(0, 0, 1, serveBody), export: 'serve' },
    ],
  )
}
