// run.mjs MODULE: calls by_core in a WebAssembly module and prints the lines that it has to say.
import { readFileSync } from 'node:fs';

const lines = [];
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {
    env: {
        print_line(at, length) {
            const bytes = new Uint8Array(instance.exports.memory.buffer, at, length);
            lines.push(new TextDecoder().decode(bytes));
        },
    },
});
try {
    process.exitCode = instance.exports.by_core();
} finally {
    process.stdout.write(lines.join(''));
}
