// Starts `perq lsp` and hands it to the editor; everything else the server knows.

const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  if (!workspace.isTrusted) {
    return;
  }
  const command = workspace.getConfiguration("perq").get("path") || "perq";
  const run = { command, args: ["lsp"] };
  client = new LanguageClient("perq", "perq", { run, debug: run }, {
    documentSelector: [{ language: "perq" }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/{*.rule,perq.toml}") },
  });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    window.showErrorMessage(`perq: \`${command} lsp\` does not start (${error.message}). The setting perq.path names the binary.`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand("perq.restart", async () => {
      await stop();
      await start();
    }),
    workspace.onDidGrantWorkspaceTrust(start),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
