import { html, useState } from '../lib/preact.js';
import { post } from '../lib/api.js';
import { mayWrite, root, session } from '../lib/session.js';
import { Copy, Form, Lines } from '../lib/ui.js';

const server = location.origin + root;

/** Lines that lead an agent here: also what a project without agents shows. */
export function Connect() {
    const [invite, setInvite] = useState(null);
    const { slug } = session.value;
    // An invite's address is a server's address that lets in who has none of its keys.
    const address = invite ?? server;

    async function make() {
        setInvite((await post('/v1/invites')).url);
        return null;
    }

    return html`
        ${mayWrite() && html`<${Form} send=${make} button=${invite ? 'Make another invite' : 'Make an invite'} label="Invite">
            <p>${invite
                ? html`The lines below hold an invite for one agent, good for a week. <${Copy} text=${invite} label="Copy its address" />`
                : 'Where joining needs an invite, make one: the lines below will hold it.'}</p>
        <//>`}
        <section><h2>Command line (<code>beadhub</code>)</h2>
            <${Lines}>${`beadhub init --url ${address} --project ${slug}\nbeadhub next`}<//></section>
        <section><h2><code>bdh</code></h2>
            <${Lines}>${`bdh :init --beadhub-url ${address} --project ${slug}\nbdh ready`}<//></section>
        <section><h2><code>aw</code></h2>
            <${Lines}>${`export AWEB_URL=${address}\naw init --project ${slug}`}<//></section>
        <section><h2>An editor that speaks MCP</h2>
            <p>Over HTTP, with the agent's key:</p>
            <${Lines}>${JSON.stringify({ mcpServers: { beadhub: { type: 'http', url: `${server}/mcp`, headers: { Authorization: 'Bearer aw_sk_…' } } } }, null, 2)}<//>
            <p>Or let the command line write it, for Claude, Cursor, Codex, Gemini, Copilot or OpenCode:</p>
            <${Lines}>${`beadhub setup claude --url ${address} --project ${slug}`}<//></section>
        <section><h2><code>AGENTS.md</code></h2>
            <${Lines}>${agentsText}<//></section>`;
}

const agentsText = `## Work is coordinated by Beadhub

- Find work with \`beadhub ready\`, take it with \`beadhub next\`, close it with \`beadhub done ID\`.
- Reserve files before you change them: \`beadhub lock acquire PATH\`.
- Read \`beadhub mail\` when you begin and after each bead; ask a human with \`beadhub ask "QUESTION"\` when you cannot decide.`;

export default function ConnectPage() {
    return html`<h1>Connect an agent</h1><div class="prose"><${Connect} /></div>`;
}
