// Builds codekin.vsix: npm run package [-- TARGET SERVER], codekin-TARGET.vsix with the server that bundle.py made in the
// folder SERVER, for one platform of VS Code (linux-x64, …). It has the server's changelog, and a README without pictures: VS Code's page of the
// extension loads them by https only, and the repository has no public address. The walkthrough shows them.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

const FILES = ['package.nls.json', 'package.nls.de.json', 'l10n', 'LICENSE', 'dist/extension.js', 'dist/page.js'];
const STAGE = path.join('dist', 'package');
const [target, server] = process.argv.slice(2);

const manifestText = fs.readFileSync('package.json', 'utf8');
const { scripts: _scripts, devDependencies: _dependencies, ...manifest } = JSON.parse(manifestText);
const pictures = manifestText.match(/media\/[\w-]+\.\w+/g);
const readme = fs.readFileSync('README.md', 'utf8').replace(/^!\[.*\]\(media\/.*\)\n\n/gm, '');

fs.rmSync(STAGE, { recursive: true, force: true });
for (const file of [...FILES, ...pictures]) {
    fs.cpSync(file, path.join(STAGE, file), { recursive: true });
}
fs.copyFileSync('../../server/CHANGELOG.md', path.join(STAGE, 'CHANGELOG.md'));
fs.writeFileSync(path.join(STAGE, 'README.md'), readme);
fs.writeFileSync(path.join(STAGE, 'package.json'), JSON.stringify({ ...manifest, files: ['**'] }, null, 2));

if (server) {
    fs.cpSync(server, path.join(STAGE, 'server'), { recursive: true });
}

const vsce = path.resolve('node_modules', '@vscode', 'vsce', 'vsce');
// vsce looks for secrets in each file, which takes many minutes for the thousands of a Python; codekin.vsix has all others.
const targetOptions = target ? ['--target', target, '--allow-package-all-secrets', '--allow-package-env-file'] : [];
const options = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', ...targetOptions];
const output = path.resolve(target ? `codekin-${target}.vsix` : 'codekin.vsix');
execFileSync(process.execPath, [vsce, 'package', ...options, '--out', output], { cwd: STAGE, stdio: 'inherit' });
