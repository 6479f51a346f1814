// Compiles the programs of this folder with the npm package @yowasp/clang:
// `node build.mjs PACKAGE OUT` makes OUT/PROGRAM-FORM-LEVEL.wasm for both forms of exceptions and two levels of optimisation.

import { readFileSync, writeFileSync } from 'node:fs';

const [folder, out] = process.argv.slice(2);
const { runClang } = await import(`${folder}/gen/bundle.js`);
const source = (name) => readFileSync(new URL(name, import.meta.url));

const programs = [
    { name: 'setjmp', words: ['clang', 'setjmp.c', '-mllvm', '-wasm-enable-sjlj', '-lsetjmp'], sources: ['setjmp.c'] },
    { name: 'exceptions', words: ['clang++', 'exceptions.cc', 'cxxabi.cc', '-fwasm-exceptions'], sources: ['exceptions.cc', 'cxxabi.cc'] },
    { name: 'uncaught', words: ['clang++', 'uncaught.cc', 'cxxabi.cc', '-fwasm-exceptions'], sources: ['uncaught.cc', 'cxxabi.cc'] },
];
for (const { name, words, sources } of programs) {
    const files = Object.fromEntries(sources.map((file) => [file, source(file)]));
    for (const [form, legacy] of [['exnref', false], ['legacy', true]]) {
        for (const level of ['O0', 'O2']) {
            const flags = [`-${level}`, '-mllvm', `-wasm-use-legacy-eh=${legacy}`, '-o', 'out.wasm'];
            const made = await runClang([...words, ...flags], files, { stderr: null });
            writeFileSync(`${out}/${name}-${form}-${level}.wasm`, made['out.wasm']);
        }
    }
}
