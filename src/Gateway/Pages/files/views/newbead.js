import { html, useEffect, useRef, useState } from '../lib/preact.js';
import { post } from '../lib/api.js';
import { beads } from '../lib/beads.js';
import { go } from '../lib/router.js';
import { Field, Form } from '../lib/ui.js';

/** A button, and a form in which a person writes a bead. */
export function NewBead() {
    const [isOpen, setOpen] = useState(false);
    return html`<button type="button" onClick=${() => setOpen(true)}>New bead</button>
        ${isOpen && html`<${Dialog} close=${() => setOpen(false)} />`}`;
}

function Dialog({ close }) {
    const dialog = useRef(null);
    useEffect(() => dialog.current.showModal(), []);
    const repos = [...new Set([...beads.value.all.values()].map(one => one.repo))].sort();

    async function send(form) {
        const fields = new FormData(form);
        const made = await post('/v1/beads/issues', {
            title: fields.get('title').trim(), description: fields.get('description') || undefined, priority: Number(fields.get('priority')),
            type: fields.get('type'), repo: fields.get('repo') || undefined,
        });
        close();
        go(['bead', made.bead_id]);
        return null;
    }

    return html`<dialog ref=${dialog} onClose=${close} class="wide" aria-label="New bead"><h2>New bead</h2>
        <${Form} send=${send} button="Create" label="New bead">
            <${Field} label="Title"><input name="title" required maxlength="500" /><//>
            <${Field} label="Description"><textarea name="description"></textarea><//>
            <div class="row">
                <${Field} label="Priority"><select name="priority">${[0, 1, 2, 3, 4].map(p => html`<option value=${p} selected=${p === 2}>P${p}</option>`)}</select><//>
                <${Field} label="Type"><select name="type">${['task', 'bug', 'feature', 'chore', 'epic'].map(one => html`<option value=${one}>${one}</option>`)}</select><//>
                <${Field} label="Repository"><input name="repo" list="repos" required=${repos.length === 0} value=${repos[0] ?? ''} placeholder="github.com/org/repo" />
                    <datalist id="repos">${repos.map(one => html`<option value=${one} />`)}</datalist><//>
            </div>
        <//>
        <button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
    </dialog>`;
}
