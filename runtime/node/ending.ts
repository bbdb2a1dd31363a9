/**
 * A process that ends while a driver in software still works → one whose devices are destroyed first. Such a driver compiles
 * and runs kernels on threads of its own: one of them inside LLVM while the process takes its libraries down ends it with a
 * segmentation fault in place of its exit code. Destroying a device waits for what it was given, and nothing else does from within
 * the event `exit`. A signal that nobody listens to ends the process without that, at once and safely.
 */
import type { GpuDevice } from '../device.ts'

const open = new Set<GPUDevice>()

function destroyAll(): void {
  for (const device of open) device.destroy()
}

export function destroyedAtExit(opened: GpuDevice): GpuDevice {
  const { device } = opened
  if (!process.listeners('exit').includes(destroyAll)) process.on('exit', destroyAll)
  open.add(device)
  // Destroyed or lost: it has no more to do.
  void device.lost.then(() => open.delete(device))
  return opened
}
