// Places the nodes of a directed graph in layers, from left to right: who is waited for stands left of who waits. Circles, which have no
// left and right, become blocks. Written as generators that stop now and then, so that whoever runs them can keep the page alive
// (lib/slices.js): no worker could be used, since the page's policy lets no script be started from an address.

export const Node = { width: 178, height: 34 };
const Gap = { x: 74, y: 14, part: 46 };
const MostInColumn = 40;
const Sweeps = 6;
const Often = 4_000; // Steps between two stops.

/**
 * @param count How many nodes: 0 … count - 1.
 * @param edges [from, to] pairs: `to` waits for `from`. Edges to itself and repeats do no harm.
 * @param aspect Width by height that the whole is to have.
 * @returns { x, y (Float64Array, middles of the nodes), width, height, circles: [[node…]…] }
 */
export function* layout(count, edges, aspect = 1.6) {
    const next = yield* lists(count, edges, 0, 1);
    const before = yield* lists(count, edges, 1, 0);
    const block = yield* strong(count, next);
    const parts = yield* connected(count, next, before);
    const x = new Float64Array(count);
    const y = new Float64Array(count);
    const boxes = [];
    for (const members of parts) {
        boxes.push(yield* place(members, next, before, block, x, y, aspect));
        yield;
    }

    const circles = [...group(block.of, block.count).values()].filter(one => one.length > 1);
    return { x, y, ...pack(boxes, x, y, aspect), circles };
}

function* lists(count, edges, from, to) {
    const found = Array.from({ length: count }, () => []);
    for (let i = 0; i < edges.length; i++) {
        if (edges[i][0] !== edges[i][1]) found[edges[i][from]].push(edges[i][to]);
        if (i % Often === 0) yield;
    }

    return found;
}

function group(of, count) {
    const found = new Map(Array.from({ length: count }, (_, i) => [i, []]));
    of.forEach((one, node) => found.get(one).push(node));
    return found;
}

/** Strongly connected components (Tarjan), without recursion. Numbers are given from the last to the first. */
function* strong(count, next) {
    const of = new Int32Array(count).fill(-1);
    const index = new Int32Array(count).fill(-1);
    const low = new Int32Array(count);
    const at = new Int32Array(count);
    const path = [];
    const open = [];
    let [found, number, steps] = [0, 0, 0];
    for (let root = 0; root < count; root++) {
        if (index[root] >= 0) continue;
        path.push(root);
        while (path.length > 0) {
            if (++steps % Often === 0) yield;
            const node = path[path.length - 1];
            if (index[node] < 0) {
                index[node] = low[node] = number++;
                open.push(node);
            }

            if (at[node] < next[node].length) {
                const to = next[node][at[node]++];
                if (index[to] < 0) path.push(to);
                else if (of[to] < 0) low[node] = Math.min(low[node], index[to]);
                continue;
            }

            path.pop();
            if (path.length > 0) low[path[path.length - 1]] = Math.min(low[path[path.length - 1]], low[node]);
            if (low[node] !== index[node]) continue;
            for (let member = -1; member !== node;) of[member = open.pop()] = found;
            found++;
        }
    }

    return { of, count: found };
}

function* connected(count, next, before) {
    const seen = new Uint8Array(count);
    const parts = [];
    let steps = 0;
    for (let root = 0; root < count; root++) {
        if (seen[root]) continue;
        const members = [root];
        seen[root] = 1;
        for (let i = 0; i < members.length; i++) {
            if (++steps % Often === 0) yield;
            for (const side of [next, before])
                for (const other of side[members[i]]) if (!seen[other]) { seen[other] = 1; members.push(other); }
        }

        parts.push(members);
    }

    return parts.sort((a, b) => b.length - a.length);
}

/** Places one part of the graph from (0, 0). A block (a node, or a circle) is one thing here. */
function* place(members, next, before, block, x, y, aspect) {
    const blocks = new Map();
    for (const node of members) {
        const id = block.of[node];
        if (!blocks.has(id)) blocks.set(id, { id, nodes: [], layer: 0, order: 0, y: 0, next: new Set(), before: new Set() });
        blocks.get(id).nodes.push(node);
    }

    let steps = 0;
    for (const one of blocks.values()) {
        for (const node of one.nodes)
            for (const to of next[node]) {
                if (++steps % Often === 0) yield;
                if (block.of[to] === one.id) continue;
                one.next.add(blocks.get(block.of[to]));
                blocks.get(block.of[to]).before.add(one);
            }
        Object.assign(one, size(one.nodes, next));
    }

    // Tarjan's numbers fall along every edge between blocks: this order meets who is waited for first.
    const sorted = [...blocks.values()].sort((a, b) => b.id - a.id);
    const layers = [];
    for (const one of sorted) {
        for (const other of one.before) one.layer = Math.max(one.layer, other.layer + 1);
        (layers[one.layer] ??= []).push(one);
        if (++steps % 200 === 0) yield;
    }

    // Whoever waits for nobody stands right before the first that waits for it, not at the far left.
    for (const one of sorted) {
        if (one.before.size > 0 || one.next.size === 0) continue;
        const wanted = Math.min(...[...one.next].map(other => other.layer)) - 1;
        if (wanted <= one.layer) continue;
        layers[one.layer].splice(layers[one.layer].indexOf(one), 1);
        one.layer = wanted;
        layers[wanted].push(one);
    }

    // Fewer crossings: each layer is sorted by where its neighbours stand, there and back.
    layers.forEach(layer => layer.forEach((one, i) => { one.order = i; }));
    for (let sweep = 0; sweep < Sweeps; sweep++) {
        const isForward = sweep % 2 === 0;
        for (const layer of isForward ? layers : [...layers].reverse()) {
            for (const one of layer) {
                const near = isForward ? one.before : one.next;
                let sum = 0;
                for (const other of near) sum += other.order;
                one.wish = near.size > 0 ? sum / near.size : one.order;
                if ((steps += near.size + 1) > Often) { steps = 0; yield; }
            }
            layer.sort((a, b) => a.wish - b.wish || a.order - b.order);
            layer.forEach((one, i) => { one.order = i; });
        }
    }

    return yield* coordinates(layers, x, y, next, aspect);
}

function* coordinates(layers, x, y, next, aspect) {
    // Heights first: one below the other, then towards the middle of the neighbours, as far as the order allows.
    for (const layer of layers) {
        let top = 0;
        for (const one of layer) { one.y = top + one.height / 2; top += one.height + Gap.y; }
        for (const one of layer) one.y -= top / 2;
    }

    if (layers.every(layer => layer.length <= MostInColumn)) {
        for (let sweep = 0; sweep < 8; sweep++) {
            const isForward = sweep % 2 === 0;
            for (const layer of isForward ? layers : [...layers].reverse()) {
                const wishes = layer.map(one => mean(isForward ? one.before : one.next) ?? one.y);
                settle(layer, wishes);
                yield;
            }
        }
    }

    // A layer that is too long stands in several columns.
    const columns = [];
    for (const layer of layers) {
        for (let i = 0; i < layer.length; i += MostInColumn) {
            const column = layer.slice(i, i + MostInColumn);
            if (layer.length > MostInColumn) {
                let at = 0;
                for (const one of column) { one.y = at + one.height / 2; at += one.height + Gap.y; }
                for (const one of column) one.y -= at / 2;
            }
            columns.push({ blocks: column, width: Math.max(...column.map(one => one.width)), gap: i + MostInColumn < layer.length ? Gap.y : Gap.x });
        }
        yield;
    }

    const rows = folded(columns, aspect);
    const nodes = [];
    let [width, height] = [0, 0];
    for (const row of rows) {
        const top = Math.min(...row.map(column => edge(column, -1)));
        let left = 0;
        for (const column of row) {
            for (const one of column.blocks) {
                one.y += height - top;
                inside(one, left + column.width / 2, x, y, next);
                nodes.push(...one.nodes);
            }
            left += column.width + column.gap;
        }
        width = Math.max(width, left - row.at(-1).gap);
        height = Math.max(...row.map(column => edge(column, 1))) + Gap.part;
        yield;
    }

    return { nodes, top: 0, width, height: height - Gap.part };
}

const edge = (column, side) => column.blocks.reduce((most, one) => side * Math.max(side * most, side * (one.y + side * one.height / 2)), side * -Infinity);

/** A long chain of layers goes on in a line below, as text does, where it would be a mere thread in the picture. */
function folded(columns, aspect) {
    const width = columns.reduce((sum, column) => sum + column.width + column.gap, 0);
    const height = Math.max(...columns.map(column => edge(column, 1) - edge(column, -1))) + Gap.part;
    if (width < 4 * aspect * height || columns.length < 12) return [columns];
    const wanted = Math.sqrt(width * height * aspect);
    const rows = [[]];
    let left = 0;
    for (const column of columns) {
        if (left > wanted) {
            rows.push([]);
            left = 0;
        }
        rows.at(-1).push(column);
        left += column.width + column.gap;
    }
    return rows;
}

function mean(near) {
    if (near.size === 0) return null;
    let sum = 0;
    for (const one of near) sum += one.y;
    return sum / near.size;
}

/** Moves the members of a layer to where they wish to be, in their order and without overlap: neighbours that want the same place share it. */
function settle(layer, wishes) {
    const runs = [];
    layer.forEach((one, i) => {
        let run = { first: i, last: i, size: one.height + Gap.y, sum: wishes[i] - one.height / 2, count: 1 };
        run.top = run.sum;
        while (runs.length > 0 && runs[runs.length - 1].top + runs[runs.length - 1].size > run.top) {
            const above = runs.pop();
            // Wishes of the lower ones, as wishes for the top of the run.
            run = { first: above.first, last: run.last, size: above.size + run.size, sum: above.sum + run.sum - run.count * above.size, count: above.count + run.count };
            run.top = run.sum / run.count;
        }
        runs.push(run);
    });
    for (const run of runs) {
        let top = run.top;
        for (let i = run.first; i <= run.last; i++) { layer[i].y = top + layer[i].height / 2; top += layer[i].height + Gap.y; }
    }
}

// A small circle is drawn as one; a large one goes to and fro in rows.
const isRing = nodes => nodes.length > 1 && nodes.length <= 16;

function size(nodes) {
    if (nodes.length === 1) return Node;
    if (isRing(nodes)) {
        const radius = ringOf(nodes);
        return { width: 2 * radius.x + Node.width, height: 2 * radius.y + Node.height };
    }

    const columns = Math.ceil(Math.sqrt(nodes.length / 3));
    return { width: columns * (Node.width + Gap.y), height: Math.ceil(nodes.length / columns) * (Node.height + Gap.y) };
}

const ringOf = nodes => ({ x: Math.max(100, nodes.length * 26), y: Math.max(34, nodes.length * 20) });

function inside(one, middle, x, y, next) {
    if (one.nodes.length === 1) {
        [x[one.nodes[0]], y[one.nodes[0]]] = [middle, one.y];
        return;
    }

    const walk = along(one.nodes, next);
    if (isRing(one.nodes)) {
        const radius = ringOf(one.nodes);
        walk.forEach((node, i) => {
            const angle = 2 * Math.PI * i / walk.length - Math.PI / 2;
            x[node] = middle + radius.x * Math.cos(angle);
            y[node] = one.y + radius.y * Math.sin(angle);
        });
        return;
    }

    const columns = Math.ceil(Math.sqrt(walk.length / 3));
    walk.forEach((node, i) => {
        const row = Math.floor(i / columns);
        const column = row % 2 === 0 ? i % columns : columns - 1 - i % columns;
        x[node] = middle - one.width / 2 + (column + 0.5) * (Node.width + Gap.y);
        y[node] = one.y - one.height / 2 + (row + 0.5) * (Node.height + Gap.y);
    });
}

/** The members of a circle, along its edges where that goes on. */
function along(nodes, next) {
    const left = new Set(nodes);
    const walk = [];
    for (const start of nodes) {
        for (let node = start; node !== undefined && left.has(node); node = next[node].find(to => left.has(to))) {
            left.delete(node);
            walk.push(node);
        }
    }

    return walk;
}

/** Puts the parts beside and below each other, the largest first. */
function pack(boxes, x, y, aspect) {
    const area = boxes.reduce((sum, box) => sum + (box.width + Gap.part) * (box.height + Gap.part), 0);
    const wanted = Math.max(Math.sqrt(area * aspect), ...boxes.map(box => box.width));
    let [left, top, rowHeight, width] = [0, 0, 0, 0];
    for (const box of [...boxes].sort((a, b) => b.height - a.height)) {
        if (left > 0 && left + box.width > wanted) [left, top, rowHeight] = [0, top + rowHeight + Gap.part, 0];
        for (const node of box.nodes) { x[node] += left; y[node] += top - box.top; }
        left += box.width + Gap.part;
        rowHeight = Math.max(rowHeight, box.height);
        width = Math.max(width, left - Gap.part);
    }

    return { width, height: top + rowHeight };
}
