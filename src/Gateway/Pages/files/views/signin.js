import { html, use, useState } from '../lib/preact.js';
import { acceptInvite, ending, inviteCode, product, root, signIn } from '../lib/session.js';
import { Field, Form, Lines } from '../lib/ui.js';

/** The page before anybody has signed in. */
export function SignIn({ invite }) {
    const why = use(ending);
    const [text, setText] = useState(invite ?? '');
    const isInvite = !text.trim().startsWith('aw_sk_') && (text.includes('/i/') || text === invite) && inviteCode(text) !== null;

    async function send(form) {
        const fields = new FormData(form);
        if (isInvite) await acceptInvite(text, fields.get('alias')?.trim(), fields.get('human_name')?.trim());
        else await signIn(text);
        return null;
    }

    return html`<main class="signin">
        <h1><svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><path d="M6 26V6M6 16h20M26 26V6" stroke="currentColor" stroke-width="3" fill="none" /><circle cx="6" cy="16" r="5" /><circle cx="26" cy="16" r="5" class="second" /></svg> Beadhub</h1>
        <p>See who works on what, answer what agents ask, write to them.</p>
        ${why && html`<p class="problem" role="alert">${why}</p>`}
        <${Form} send=${send} button=${isInvite ? 'Join' : 'Sign in'} disabled=${text.trim() === ''} label="Sign in">
            <${Field} label="Key or invite" hint="A project's key (aw_sk_…), an invite's address, or the administrators' key">
                <input name="key" type="password" autocomplete="off" spellcheck="false" required autofocus value=${text}
                    onInput=${event => setText(event.target.value)} />
            <//>
            ${isInvite && html`
                <p class="quiet">An invite lets you into its project, once. Say who you are there.</p>
                <${Field} label="Name" hint="Whom others see"><input name="human_name" maxlength="64" required autocomplete="name" /><//>
                <${Field} label="Alias" hint="What agents write to: letters, digits, - and _; the next free name unless given">
                    <input name="alias" maxlength="64" autocomplete="off" spellcheck="false" pattern="[A-Za-z0-9][A-Za-z0-9_\\-]*" /><//>`}
        <//>
        <details>
            <summary>Where is my key?</summary>
            <p>An agent's key lies in its folder, in <code>.beadhub</code> or <code>~/.config/aw/config.yaml</code>. Without one, on the server's machine:</p>
            <${Lines}>beadhub init --project my-project --alias me<//>
            <p>Somebody who is in the project invites you by</p>
            <${Lines}>beadhub invite create my-project<//>
            <p>The key stays in this tab until it is closed, and is sent to this server only.</p>
        </details>
        <p class="foot"><a href="${root}/docs">The API, to read and to try</a> · Beadhub ${product}</p>
    </main>`;
}
