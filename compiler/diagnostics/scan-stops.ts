/** The words for why a recurrence did not become one kernel, as `dlmc inspect` shows them. */
import type { ScanStop } from '../ir/scan-stop.ts'
import { thousands } from './thousands.ts'

export function explainScanStop(stop: ScanStop): string {
  switch (stop.kind) {
    case 'nested':
      return 'another recurrence runs inside each step'
    case 'leading':
      return `what a step writes has no batch dim in common: ${stop.shapes.join(', ')}`
    case 'rows':
      return `a step mixes rows of ${stop.dim}: ${list(stop.ops)} reads values of other rows`
    case 'form':
      return `${list(stop.ops)} is done by a kernel of the form '${stop.form}', which walks over all rows`
    case 'carry':
      return 'a carry is replaced by a value that no step makes'
    case 'bindings':
      return `one kernel would bind ${stop.count} buffers, and an adapter need only allow ${stop.most}`
    case 'weights':
      return 'each step has weights of its own, which one dispatch a step reads once for all rows'
    case 'work':
      return `a step is ${thousands(stop.terms)} products a row, above ${thousands(stop.most)}: beside that, dispatches cost little`
    case 'accesses':
      return `one kernel would access memory in ${stop.count} places, above the ${stop.most} that software adapters compile in good time`
    case 'target':
      return 'on this device every kernel does one step'
    case 'chosen':
      return 'a loop was asked for'
    default:
      return stop satisfies never
  }
}

const list = (ops: readonly string[]): string => (ops.length > 0 ? ops.slice(0, 4).join(', ') : 'a copy')
