/** What the help of a verb ends with. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  serve: `
Examples:
  $ lastcall serve --workers 2 --port 8080 app.js                       a Node entry
  $ lastcall serve --port 8000 -- python3 -m uvicorn --fd 3 app:app     any other program
  $ lastcall serve --daemon --log-file node.log app.js                  in the background
  $ lastcall serve --admin 127.0.0.1:9090 app.js                        with the console

Exit code: 0 all work done, 1 it gave up or a close hook failed, 2 bad use, 3 the deadline passed,
4 a quick stop, 5 the application never became ready.`,
  status: control('status', 'status --control /run/app/control.sock', 'status --json'),
  workers: control('workers', 'workers --json'),
  reload: control('reload'),
  upgrade: control('upgrade'),
  drain: control('drain', 'resume'),
  resume: control('resume'),
  stop: control('stop', 'stop --quick'),
  scale: control('scale 4'),
  logs: control('logs -n 20', 'logs -f'),
  watch: control('watch', 'watch --json', 'watch | tee node.log'),
  stops: `
Examples:
  $ lastcall stops                         those of .lastcall
  $ lastcall stops --dir records -n 1      the last one of a service with recordDir: 'records'
  $ lastcall stops --json | jq .outcomes`,
  plan: `
Examples:
  $ lastcall plan --log access.log                            durations from an access log
  $ lastcall plan --csv durations.csv --rate 12 --nodes 6     or from a file of your own
  $ lastcall plan --node http://127.0.0.1:9090 --kind stream  or as a running node measured them
  $ zcat access.log.*.gz | lastcall plan --log -              or from a pipe
  $ lastcall plan --log access.log --svg plan.svg --json

Exit code: 0 planned, 2 bad use or input.`,
  drill: `
Examples:
  $ lastcall drill -- node server.js                     probes the server, then attacks it
  $ lastcall drill --dry-run -- node server.js           which cases it would be given
  $ lastcall drill --only http1,sse -- node server.js    some of them
  $ lastcall drill --html drill.html --junit drill.xml   by drill.yaml, with reports

Exit code: 0 passed, 1 failed, 2 bad use.`,
};

function control(...lines: string[]): string {
  const many = lines.length > 1 ? 's' : '';
  return `
Example${many}:
${lines.map((line) => `  $ lastcall ${line}`).join('\n')}

Exit code: 0 done, 1 refused, failed, or no supervisor answers, 2 bad use.`;
}
