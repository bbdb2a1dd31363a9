/** `dlmc devices`: what was found, with limits and features, and what could be installed. */
import { listDevices } from '../runtime/node/devices.ts'
import { exitCodes } from './failure.ts'
import type { Verb } from './options.ts'
import { quantity } from './table.ts'
import { terminal } from './terminal.ts'

export const devicesVerb: Verb = (program, run) => {
  program
    .command('devices')
    .description('list adapters in the order in which they are chosen, and what is missing')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) =>
      run(async () => {
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
