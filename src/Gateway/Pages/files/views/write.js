// To whom one can write: the agents of the project.
import { html } from '../lib/preact.js';
import { useAnswer } from '../lib/data.js';
import { session } from '../lib/session.js';

export function useAgents() {
    const { data } = useAnswer('/v1/agents', { on: ['workspace', 'agent'], every: 60 });
    return (data?.agents ?? []).filter(one => one.alias !== session.value.alias && one.identity_status !== 'retired');
}

export function Recipients({ agents, id = 'agents' }) {
    return html`<datalist id=${id}>${agents.map(one => html`<option value=${one.alias}>${one.human_name}</option>`)}</datalist>`;
}
