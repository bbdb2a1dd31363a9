/** `dlmc devices`: what was found, with limits and features, and what could be installed. */
import { listDevices } from '../runtime/node/devices.ts'
import { exitCodes } from './failure.ts'
import { deviceOption, type Verb } from './options.ts'
import { rooflineOf } from './profile/roofline.ts'
import { selectDevice } from './session.ts'
import { quantity } from './table.ts'
import { terminal } from './terminal.ts'

export const devicesVerb: Verb = (program, run) => {
  program
    .command('devices')
    .description('list adapters in the order in which they are chosen, and what is missing')
    .option('--measure', 'how fast one copies and multiplies at best, measured once and kept in the cache of the user')
    .option('--again', 'with --measure: measure anew')
    .option(...deviceOption)
    .option('--json', 'as JSON')
    .action((options: { json?: boolean; measure?: boolean; again?: boolean; device: string }) =>
      run(async () => {
        if (options.measure) return measure(options)
        const report = await listDevices()
        if (options.json) {
          terminal.json(report)
          return exitCodes.done
        }
        report.found.forEach((device, index) => {
          terminal.line(
            `${index === 0 ? '*' : ' '} --device ${device.selector.includes(' ') ? JSON.stringify(device.selector) : device.selector}`,
          )
          terminal.line(`    ${device.description.name} (${device.description.kind}, schedules for ${device.target})`)
          const limits = Object.entries(device.limits)
          if (limits.length > 0)
            terminal.line(
              `    ${limits.map(([name, value]) => `${name} ${/Size$/.test(name) && value > 1e6 ? quantity(value, 'B') : value}`).join(', ')}`,
            )
          if (device.features.length > 0) terminal.line(`    features: ${device.features.join(', ')}`)
        })
        for (const { selector, installation } of report.missing)
          terminal.line(`  missing: ${selector}: ${installation}`)
        terminal.line('* is what --device auto takes')
        return exitCodes.done
      }),
    )
}

/** One device, since each must be opened for it. */
async function measure({ device: name, again, json }: { device: string; again?: boolean; json?: boolean }) {
  const device = await selectDevice(name, true)
  const roofline = await rooflineOf(device, again)
  if (json) terminal.json({ device: device.description.name, ...roofline })
  else
    terminal.line(
      `${device.description.name}: copies ${quantity(roofline.bytesPerSecond, 'B/s')}, multiplies and adds ${quantity(roofline.flopsPerSecond, 'FLOP/s')} (measured ${roofline.measured.slice(0, 10)})`,
    )
  return exitCodes.done
}
