// Owns the benchmark of compiling: a configuration of some 4,700 lines in ten files, checked in a process of its own, and reloaded
// by a running signalbox after one of the files has changed. Run by hand, or by `npm run bench`:
// node --no-node-snapshot test/bench/reload.bench.ts [RELOADS]
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sendControl } from '../../src/supervisor/index.ts'
import { median, report } from './figures.ts'
import { ProxyProcess, treeMicros } from './proxy-process.ts'

const PARTS = 9
const ROUTES = 9
const PORT = 47_580
const COMMAND = fileURLToPath(new URL('../../bin/signalbox.mjs', import.meta.url))

const MODULES =
  'tm sl rr maxfwd textops siputils pv xlog htable usrloc registrar nathelper rtpengine dispatcher tmx dialog'

/** A route as operators write them: conditions, header edits, logs, comments. */
function route(name: string, next: string, note: string): string {
  return `
# ${name}: what comes in from this customer
# and where it goes
route[${name}] {
	if (has_totag()) {
		# within a dialog
		if (loose_route()) {
			if (is_method("BYE")) {
				setflag(3);
				xlog("L_INFO", "${note}: call $ci ends, from $fu to $tu\\n");
			}
			route(${next});
			exit;
		}
		sl_send_reply("404", "Not here");
		exit;
	}
	if ($rU =~ "^(\\+|00)49[1-9][0-9]{3,}$" && $si != "192.0.2.7") {
		$var(number) = $(rU{s.substr,2,0});
		$avp(customer) = $sht(customers=>$fU);
		if ($avp(customer) == $null || strlen($var(number)) < 5) {
			xlog("L_WARN", "no customer for $fU at $si:$sp\\n");
			sl_send_reply("403", "Forbidden");
			exit;
		}
	} else if (is_method("REGISTER")) {
		# kept here
		if (!save("location")) sl_reply_error();
		exit;
	}

	remove_hf("X-Customer");
	append_hf("X-Customer: $avp(customer)\\r\\n");
	switch ($rU) {
		case "100":
			rewritehostport("127.0.0.1:5090");
			break;
		case /"^2[0-9]+":
			$ru = "sip:" + $rU + "@" + "127.0.0.1";
			break;
		default:
			if (!lookup("location")) {
				t_newtran();
				t_reply("480", "Nobody there");
				exit;
			}
	}
	$dlg_var(seen) = $TS;
}
`
}

/** Writes the configuration; the main file's name. `change` makes the last part another. */
function write(folder: string, change: number): string {
  for (let part = change > 0 ? PARTS - 1 : 0; part < PARTS; part++) {
    const routes = Array.from({ length: ROUTES }, (_, n) =>
      route(`R${part}_${n}`, n > 0 ? `R${part}_${n - 1}` : 'RELAY', part === PARTS - 1 ? `change ${change}` : 'log'),
    )
    writeFileSync(join(folder, `part${part}.cfg`), routes.join('\n'))
  }
  const file = join(folder, 'main.cfg')
  if (change > 0) return file
  const calls = Array.from(
    { length: PARTS },
    (_, part) => `	if ($fd == "c${part}.example") route(R${part}_${ROUTES - 1});`,
  )
  writeFileSync(
    file,
    `#!KAMAILIO
listen=udp:127.0.0.1:${PORT}
${MODULES.split(' ')
  .map((name) => `loadmodule "${name}.so"`)
  .join('\n')}
modparam("htable", "htable", "customers=>size=8;")
modparam("usrloc", "db_mode", 0)
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
${calls.join('\n')}
	route(RELAY);
}
route[RELAY] {
	if (is_method("INVITE")) record_route();
	if (!t_relay()) sl_reply_error();
	exit;
}
${Array.from({ length: PARTS }, (_, part) => `include_file "part${part}.cfg"`).join('\n')}
`,
  )
  return file
}

/** Processor time of the children that have ended, milliseconds. */
function spentByChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15)
    .map(Number)
  return (user! + system!) * 10
}

/** A command to its end: wall clock and processor time, milliseconds. */
async function timed(args: readonly string[]): Promise<{ wall: number; spent: number }> {
  const [began, before] = [performance.now(), spentByChildren()]
  const child = spawn(process.execPath, ['--no-node-snapshot', COMMAND, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return { wall: performance.now() - began, spent: spentByChildren() - before }
}

function reportBoth(name: string, values: readonly { wall: number; spent: number }[]): void {
  const walls = values.map(({ wall }) => wall)
  const best = Math.min(...walls)
  report({ group: 'compile', name, unit: 'ms', value: median(walls), best })
  report({
    group: 'compile',
    name: `${name}, processor time`,
    unit: 'ms',
    value: median(values.map(({ spent }) => spent)),
  })
}

const reloads = Number(process.argv[2] ?? 15)
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
try {
  const file = write(folder, 0)
  const starts: Awaited<ReturnType<typeof timed>>[] = []
  const checks: Awaited<ReturnType<typeof timed>>[] = []
  for (let n = 0; n < 5; n++) {
    starts.push(await timed(['--version']))
    checks.push(await timed(['check', file]))
  }
  reportBoth('check with start', checks)
  reportBoth('start of the command alone', starts)

  const control = join(folder, 'control')
  const proxy = await ProxyProcess.start(
    [process.execPath, '--no-node-snapshot', COMMAND, 'run', file, '--control', control],
    PORT,
  )
  try {
    for (let n = 0; n < 100 && !existsSync(control); n++) await delay(100)
    const taken: Awaited<ReturnType<typeof timed>>[] = []
    for (let n = 1; n <= reloads; n++) {
      write(folder, n)
      // Asked for at once: the watcher, which waits for the end of a save, comes second and finds nothing new.
      const [began, before] = [performance.now(), treeMicros(proxy.pid)]
      const answer = await sendControl(control, { command: 'reload' })
      taken.push({ wall: performance.now() - began, spent: (treeMicros(proxy.pid) - before) / 1000 })
      if (!answer.ok) throw new Error(`${answer.error}\n${proxy.output}`)
      await delay(700)
    }
    reportBoth('reload after a change', taken)
    process.stdout.write(
      `each: ${taken.map(({ wall, spent }) => `${wall.toFixed(0)}/${spent.toFixed(0)}`).join(' ')}\n`,
    )
  } finally {
    await proxy.stop()
  }
  process.stdout.write(`load average ${loadavg()[0]!.toFixed(1)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
