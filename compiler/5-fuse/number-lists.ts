/** Lists of numbers, each known by a number of its own: equal for equal lists. */
import { mixed, nextPlace } from '../ops/interning.ts'

export class NumberLists {
  private readonly known: Int32Array[] = []
  private readonly places = new Map<number, number>()
  private current = new Int32Array(256)
  private length = 0

  begin(): void {
    this.length = 0
  }
  add(n: number): void {
    if (this.length === this.current.length) {
      const more = new Int32Array(2 * this.length)
      more.set(this.current)
      this.current = more
    }
    this.current[this.length++] = n
  }
  end(): number {
    let place = this.length
    for (let at = 0; at < this.length; at++) place = mixed(place, this.current[at]!)
    for (let found = this.places.get(place); found !== undefined; found = this.places.get(place)) {
      if (this.isCurrent(this.known[found]!)) return found
      place = nextPlace(place)
    }
    this.places.set(place, this.known.length)
    return this.known.push(this.current.slice(0, this.length)) - 1
  }
  private isCurrent(list: Int32Array): boolean {
    if (list.length !== this.length) return false
    for (let at = 0; at < list.length; at++) if (list[at] !== this.current[at]) return false
    return true
  }
}
