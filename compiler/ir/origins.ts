/** Where the nodes of one graph came from, by their ids. Lists are shared between nodes. */
import type { Node, Origin, Origins } from './graph.ts'

export class OriginLists implements Origins {
  readonly #nodes: (Node | undefined)[] = []
  readonly #lists: (readonly Origin[])[] = []
  #version = 0

  /** Another number after each change. */
  get version(): number {
    return this.#version
  }

  get(node: Node): readonly Origin[] | undefined {
    return this.#nodes[node.id] === node ? this.#lists[node.id] : undefined
  }

  set(node: Node, origins: readonly Origin[]): void {
    this.#version++
    // Lists without holes that are written far from their end become tables.
    for (let free = this.#nodes.length; free < node.id; free++) {
      this.#nodes.push(undefined)
      this.#lists.push(none)
    }
    this.#nodes[node.id] = node
    this.#lists[node.id] = origins
  }
}
const none: readonly Origin[] = []
