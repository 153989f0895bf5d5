// What a client of the official SDK sees: lists everything, calls each tool well and badly, and a scripted model brings a bead from ready
// to closed with mail in between. Arguments: address, keys of alice and bob, then a program and its arguments for standard input and output.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { LATEST_PROTOCOL_VERSION, ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const [address, aliceKey, bobKey, program, ...args] = process.argv.slice(2);
const verbose = process.env.VERBOSE === "1";

const ways = {
  http: (key) => new StreamableHTTPClientTransport(new URL("/mcp", address), { requestInit: { headers: { Authorization: `Bearer ${key}` } } }),
  stdio: (key) => new StdioClientTransport({ command: program, args: [...args, "mcp", "--url", address], env: { ...process.env, BEADHUB_API_KEY: key } }),
};

async function connect(way, key, name) {
  const client = new Client({ name, version: "1.0.0" });
  await client.connect(ways[way](key));
  await client.listTools(); // from here on the client checks answers against their schemas
  return client;
}

async function call(client, name, argumentsOf = {}, options) {
  const result = await client.callTool({ name, arguments: argumentsOf }, undefined, options);
  assert(!result.isError, `${name}: ${result.content[0].text}`);
  if (verbose) console.log(`> ${name} ${JSON.stringify(argumentsOf)}\n${result.content[0].text}\n`);
  return result.structuredContent ?? JSON.parse(result.content[0].text);
}

async function refused(client, name, argumentsOf, pattern) {
  const result = await client.callTool({ name, arguments: argumentsOf });
  assert(result.isError, `${name} ${JSON.stringify(argumentsOf)} was not refused`);
  assert.match(result.content[0].text, pattern);
  if (verbose) console.log(`> ${name} ${JSON.stringify(argumentsOf)}\n${result.content[0].text}\n`);
}

// One good call of each tool, in an order in which each finds what it needs, and a bad one.
async function callEach(alice, bob, tools) {
  const called = new Set();
  const ok = async (client, name, given, options) => { called.add(name); return call(client, name, given, options); };
  const me = await ok(alice, "whoami");
  assert.equal(me.alias, "alice");
  await ok(alice, "ensure_project");
  await ok(alice, "register_agent", { program: "script", model: "none" });
  assert((await ok(bob, "list_agents")).agents.some((agent) => agent.alias === "alice" && agent.program === "script"));
  await ok(alice, "status");
  await ok(alice, "update_workspace", { purpose: "tests" }).catch(() => ok(alice, "update_workspace", {}));
  await ok(alice, "publish_agent", { description: "tests" });
  await ok(alice, "search_directory");
  const bead = await ok(alice, "create_issue", { title: "Each tool", priority: 0, labels: ["each"] });
  assert.equal((await ok(alice, "get_issue", { bead_id: bead.bead_id })).title, "Each tool");
  assert((await ok(alice, "get_ready_issues")).issues.some((issue) => issue.bead_id === bead.bead_id));
  await ok(alice, "list_issues", { q: "Each" });
  await ok(bob, "subscribe_to_bead", { bead_id: bead.bead_id });
  const [subscription] = (await ok(bob, "list_subscriptions")).subscriptions;
  assert.equal((await ok(alice, "claim_next", { labels: ["each"] })).bead.bead_id, bead.bead_id);
  await ok(bob, "join_bead", { bead_id: bead.bead_id, role: "reviewer" });
  assert.equal((await ok(alice, "list_claims")).claims.length, 2);
  await ok(bob, "release_bead", { bead_id: bead.bead_id });
  await ok(alice, "update_issue", { bead_id: bead.bead_id, status: "in_progress", notes: "on it" });
  await ok(alice, "comment_on_issue", { bead_id: bead.bead_id, text: "half" });
  assert.equal((await ok(alice, "close_issue", { bead_id: bead.bead_id, reason: "done" })).status, "closed");
  await ok(bob, "unsubscribe", { subscription_id: subscription.subscription_id });
  const escalation = await ok(alice, "escalate", { subject: "Which?", situation: "Two ways" });
  assert.equal((await ok(alice, "get_escalation", { escalation_id: escalation.escalation_id })).status, "pending");
  const task = await ok(alice, "create_task", { title: "A task" });
  const other = await ok(alice, "create_task", { title: "Another" });
  await ok(alice, "list_tasks");
  await ok(alice, "ready_tasks");
  await ok(alice, "get_task", { ref: task.task_ref });
  await ok(alice, "add_task_dependency", { ref: task.task_ref, depends_on: other.task_ref });
  await ok(alice, "comment_on_task", { ref: task.task_ref, body: "hm" });
  await ok(alice, "list_task_comments", { ref: task.task_ref });
  await ok(alice, "update_task", { ref: other.task_ref, status: "closed" });
  const sent = await ok(alice, "send_message", { to: ["bob"], subject: "Hello", body_md: "World" });
  const received = (await ok(bob, "fetch_inbox")).messages;
  const message = sent.deliveries[0].message_id;
  assert.equal((await ok(alice, "fetch_sent")).messages[0].message_id, message);
  assert(received.some((mail) => mail.message_id === message));
  await ok(bob, "reply_message", { message_id: message, body_md: "Hi" });
  await ok(bob, "mark_message_read", { message_id: message });
  await ok(bob, "acknowledge_message", { message_id: message });
  const chat = await ok(alice, "chat_send", { to_aliases: ["bob"], message: "there?" });
  assert.equal((await ok(bob, "wait_for", { events: ["chat"], timeout_seconds: 5 })).event, "chat");
  await ok(bob, "chat_pending");
  await ok(bob, "chat_reply", { session_id: chat.session_id, body: "yes" });
  const history = (await ok(alice, "chat_history", { session_id: chat.session_id })).messages;
  await ok(alice, "chat_mark_read", { session_id: chat.session_id, up_to_message_id: history.at(-1).message_id });
  await ok(alice, "acquire_lock", { resource_key: "src/a.ts", ttl_seconds: 300 });
  await ok(alice, "acquire_locks", { resource_keys: ["doc/**", "lib/*"], pattern: true });
  await ok(alice, "renew_lock", { resource_key: "src/a.ts", ttl_seconds: 600 });
  assert((await ok(bob, "list_locks")).reservations.length >= 3);
  await refused(bob, "acquire_lock", { resource_keys: ["src/a.ts", "doc/x.md"] },
    /src\/a\.ts: held by alice until .*\(in \d+ s\)\ndoc\/x\.md: held by alice as doc\/\*\* until/);
  for (const key of ["src/a.ts", "doc/**", "lib/*"]) await ok(alice, "release_lock", { resource_key: key });
  assert.match((await ok(alice, "get_policy", { role: "reviewer", only_selected: true })).over_mcp, /close_issue/);
  if (tools.some((tool) => tool.name === "search")) await ok(alice, "search", { query: "each" });
  assert((await ok(alice, "plan_insights", { agents: 2 })).open_beads >= 0);
  const hive = `h-${bead.bead_id.toLowerCase().replace(/[^a-z0-9-]/g, "")}`.slice(0, 32);
  const made = await fetch(new URL("/api/v1/hives", address), {
    method: "POST", headers: { Authorization: `Bearer ${aliceKey}`, "Content-Type": "application/json" }, body: JSON.stringify({ name: hive }),
  });
  assert.equal(made.status, 201, await made.text());
  const post = await ok(alice, "hive_post", { hive, title: "Each tool", content: "How is it?" });
  await ok(bob, "hive_comment", { post_id: post.id, content: "Good." });
  assert.equal((await ok(bob, "hive_vote", { post_id: post.id, value: 1 })).score, 1);
  assert((await ok(bob, "hive_feed", { hive })).data.some((one) => one.id === post.id));
  await ok(bob, "hive_search", { q: "tool" });
  await versions(alice, ok, bead.bead_id);
  const others = tools.map((tool) => tool.name).filter((name) => !called.has(name));
  assert.deepEqual(others, [], "every tool is called");
  for (const tool of tools) {
    await refused(alice, tool.name, { ttl_secs: 5 }, /^Unknown argument ttl_secs/);
    const [name] = Object.keys(tool.inputSchema.properties).filter((one) => one !== "idempotency_key");
    if (name) await refused(alice, tool.name, { [`${name}x`]: 5 }, new RegExp(`did you mean ${name}\\?`));
    for (const required of tool.inputSchema.required ?? []) await refused(alice, tool.name, {}, /required|missing|must|Invalid|resource_key/i);
  }
  await refused(alice, "close_issue", { bead_id: "no-such" }, /Issue not found/);
  await refused(alice, "update_task", { ref: bead.bead_id, status: "closed" }, /close_issue/);
  await refused(alice, "send_message", { to: ["nobody"], subject: "s", body_md: "b" }, /Agent not found/);
  await refused(alice, "wait_for", { events: ["rain"] }, /rain is none of mail, chat, answer, bead/);
  await assert.rejects(alice.callTool({ name: "close_isue", arguments: {} }), /Did you mean close_issue\?/);
  console.log(`ok each of ${tools.length} tools`);
}

// Commits, and two merges in conflict: a branch of the history removes the bead that is changed meanwhile.
async function versions(alice, ok, beadId) {
  const { repo, branch } = await ok(alice, "get_issue", { bead_id: beadId });
  assert.equal((await ok(alice, "history_commit", { message: "first" })).committed, true);
  for (const on of ["given-up", "decided"]) {
    const made = await fetch(new URL("/v1/beads/commits", address), {
      method: "POST", headers: { Authorization: `Bearer ${aliceKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ message: "gone", on, repo, branch, deleted_ids: [beadId] }),
    });
    assert.equal(made.status, 200, await made.text());
    await ok(alice, "update_issue", { bead_id: beadId, notes: on });
    assert.equal((await ok(alice, "history_merge", { from: on })).result, "conflicts");
    assert.equal((await ok(alice, "history_conflicts")).conflicts[0].bead_id, beadId);
    if (on === "given-up") {
      assert.equal((await ok(alice, "history_abandon_merge")).merging, false);
      continue;
    }
    await ok(alice, "history_resolve", { bead_id: beadId, take: "ours" });
    assert.equal((await ok(alice, "history_complete_merge")).result, "merged");
  }
  assert((await ok(alice, "history_log")).commits.length >= 4);
  assert.equal((await ok(alice, "history_show", { version: "HEAD" })).parents.length, 2);
  assert((await ok(alice, "history_diff", { from: "HEAD~1" })).total >= 0);
  assert((await ok(alice, "issue_history", { bead_id: beadId })).events.length > 2);
  assert((await ok(alice, "issue_blame", { bead_id: beadId })).fields.some((field) => field.field === "notes"));
  await ok(alice, "history_restore", { version: "HEAD", bead_ids: [beadId] });
}

// A model that takes a bead from ready to closed, with a question by mail in between.
async function work(alice, bob) {
  const made = await call(alice, "create_issue", { title: "Search box loses focus", type: "bug", priority: 1, labels: ["story"] });
  const claimed = await call(bob, "claim_next", { labels: ["story"] });
  assert.equal(claimed.bead.bead_id, made.bead_id);
  await refused(alice, "update_issue", { bead_id: made.bead_id, status: "in_progress" }, /is being worked on by bob/);
  await call(bob, "update_issue", { bead_id: made.bead_id, status: "in_progress" });
  await call(bob, "acquire_lock", { resource_key: "web/search.ts", ttl_seconds: 600 });
  for (const mail of (await call(bob, "fetch_inbox", {})).messages) await call(bob, "mark_message_read", { message_id: mail.message_id });
  let steps = 0;
  const waiting = call(bob, "wait_for", { events: ["mail"], timeout_seconds: 30 }, { onprogress: () => steps++ });
  const question = await call(bob, "send_message", { to: ["alice"], subject: made.bead_id, body_md: "On every key?" });
  assert.equal((await call(alice, "wait_for", { events: ["mail"], timeout_seconds: 30 })).event, "mail");
  await call(alice, "reply_message", { message_id: question.deliveries[0].message_id, body_md: "Only on Enter." });
  const answered = await waiting;
  assert.equal(answered.messages[0].body, "Only on Enter.");
  await call(bob, "mark_message_read", { message_id: answered.messages[0].message_id });
  await call(bob, "comment_on_issue", { bead_id: made.bead_id, text: "Only on Enter, says alice." });
  const closed = await call(bob, "close_issue", { bead_id: made.bead_id, reason: "Keeps focus now" });
  assert.equal(closed.status, "closed");
  await call(bob, "release_lock", { resource_key: "web/search.ts" });
  assert.equal((await call(bob, "list_claims", {})).claims.filter((claim) => claim.bead_id === made.bead_id).length, 0);
  console.log("ok from ready to closed");
  return made.bead_id;
}

async function waits(alice) {
  const started = Date.now();
  const nothing = await call(alice, "wait_for", { events: ["bead"], bead_id: "no-such", timeout_seconds: 1 });
  assert.equal(nothing.happened, false);
  assert(Date.now() - started >= 900);
  const cancelled = new AbortController();
  const wait = alice.callTool({ name: "wait_for", arguments: { bead_id: "no-such", timeout_seconds: 60 } }, undefined, { signal: cancelled.signal });
  setTimeout(() => cancelled.abort("enough"), 100);
  await assert.rejects(wait);
  await alice.ping();
  console.log("ok waits");
}

async function resources(alice, bob) {
  const { resources: listed } = await alice.listResources();
  assert.deepEqual(listed.map((one) => one.uri), ["beadhub://status", "beadhub://policy", "beadhub://inbox", "beadhub://board"]);
  assert.equal((await alice.listResourceTemplates()).resourceTemplates[0].uriTemplate, "beadhub://beads/{bead_id}");
  for (const { uri } of listed) JSON.parse((await alice.readResource({ uri })).contents[0].text);
  const made = await call(bob, "create_issue", { title: "Watched" });
  const uri = `beadhub://beads/${made.bead_id}`;
  assert.equal(JSON.parse((await alice.readResource({ uri })).contents[0].text).title, "Watched");
  const updates = [];
  const heard = new Promise((resolve) => alice.setNotificationHandler(ResourceUpdatedNotificationSchema, (update) => {
    updates.push(update.params.uri);
    if (updates.includes(uri) && updates.includes("beadhub://inbox")) resolve();
  }));
  await alice.subscribeResource({ uri });
  await alice.subscribeResource({ uri: "beadhub://inbox" });
  await alice.subscribeResource({ uri: "beadhub://policy" });
  // The stream of notifications is opened beside these calls: changes are made until one is heard.
  let done = false;
  void heard.then(() => (done = true));
  for (let i = 0; !done && i < 50; i++) {
    await call(bob, "comment_on_issue", { bead_id: made.bead_id, text: `Change ${i}` });
    await call(bob, "send_message", { to: ["alice"], subject: "s", body_md: "b" });
    await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  assert(done, "the subscriber is told");
  assert(!updates.includes("beadhub://policy"));
  await alice.unsubscribeResource({ uri });
  await assert.rejects(alice.readResource({ uri: "beadhub://nothing" }), /Unknown resource/);
  await assert.rejects(alice.subscribeResource({ uri: "beadhub://nothing" }), /Unknown resource/);
  await call(bob, "close_issue", { bead_id: made.bead_id });
  console.log("ok resources");
}

async function prompts(alice) {
  const { prompts: listed } = await alice.listPrompts();
  assert.deepEqual(listed.map((one) => one.name), ["start_work", "hand_over", "review"]);
  const { messages } = await alice.getPrompt({ name: "hand_over", arguments: { bead_id: "bd-1", to: "bob" } });
  assert.match(messages[0].content.text, /Hand bead bd-1 over[^]*send_message to bob/);
  const names = new Set((await alice.listTools()).tools.map((tool) => tool.name));
  for (const { name } of listed) {
    const text = (await alice.getPrompt({ name, arguments: { bead_id: "bd-1" } })).messages[0].content.text;
    for (const word of text.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? [])
      assert(names.has(word) || ["blocked_by", "parent_id", "in_progress"].includes(word), `${name} names ${word}, which is no tool`);
  }
  await assert.rejects(alice.getPrompt({ name: "hand_over" }), /needs bead_id/);
  console.log("ok prompts");
}

const keys = { alice: aliceKey, bob: bobKey };
for (const way of program ? ["http", "stdio"] : ["http"]) {
  const [alice, bob] = [await connect(way, keys.alice, "alice-editor"), await connect(way, keys.bob, "bob-editor")];
  const { tools } = await alice.listTools();
  for (const tool of tools) assert(tool.description && tool.inputSchema.type === "object" && tool.outputSchema, `${tool.name} says all of itself`);
  assert.equal(alice.getServerVersion().name, "beadhub");
  if (way === "http") await callEach(alice, bob, tools);
  await work(alice, bob);
  await waits(alice);
  await resources(alice, bob);
  await prompts(alice);
  await alice.close();
  await bob.close();
  console.log(`ok ${way}, protocol ${LATEST_PROTOCOL_VERSION}`);
}
