// One call of each kind, by nothing but the types that are made from /openapi/v1.json: what does not fit them does not compile.
import type { paths } from "./v1.js";

type Methods = "get" | "post" | "put" | "patch" | "delete";
type Operation<P extends keyof paths, M extends Methods> = NonNullable<paths[P][M]>;
type Parameters<O, In extends string> = O extends { parameters: { [K in In]?: infer T } } ? T : never;
type Body<O> = O extends { requestBody: { content: { "application/json": infer T } } } ? T : undefined;
type Content<R> = R extends { content: { "application/json": infer T } } ? T : undefined;
type Answer<O> = O extends { responses: infer R } ? { [S in keyof R]: { status: S; body: Content<R[S]> } }[keyof R] : never;

declare const process: { argv: string[]; exitCode: number };
const [, , server, key] = process.argv;

async function call<P extends keyof paths, M extends Methods>(
  method: M,
  path: P,
  given: {
    path?: Parameters<Operation<P, M>, "path">;
    query?: Parameters<Operation<P, M>, "query">;
    body?: Body<Operation<P, M>>;
  } = {},
): Promise<Answer<Operation<P, M>>> {
  let address = path as string;
  for (const [name, value] of Object.entries(given.path ?? {})) address = address.replace(`{${name}}`, encodeURIComponent(String(value)));
  const query = new URLSearchParams(Object.entries(given.query ?? {}).map(([name, value]) => [name, String(value)]));
  const response = await fetch(`${server}${address}?${query}`, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
  });
  return { status: response.status, body: await response.json() } as Answer<Operation<P, M>>;
}

function expect(what: string, holds: boolean, seen: unknown): void {
  console.log(`${holds ? "ok" : "NOT OK"} ${what}${holds ? "" : `: ${JSON.stringify(seen)}`}`);
  if (!holds) process.exitCode = 1;
}

// A write with a body.
const upload = await call("post", "/v1/beads/upload", { body: { repo: "my-repo", issues: [{ id: "ts-1", title: "From TypeScript", status: "open" }] } });
expect("a write with a body", upload.status === 200 && upload.body.issues_added === 1, upload);

// A read with a query.
const list = await call("get", "/v1/beads/issues", { query: { status: "open", limit: 10 } });
expect("a read with a query", list.status === 200 && list.body.issues[0]?.title === "From TypeScript", list);

// A part of the path.
const issue = await call("get", "/v1/beads/issues/{beadId}", { path: { beadId: "ts-1" } });
expect("a part of the path", issue.status === 200 && issue.body.bead_id === "ts-1", issue);

// A write whose answer has the fields of what it made, and its undoing.
const lock = await call("post", "/v1/reservations", { body: { resource_key: "src/a.ts", ttl_seconds: 60 } });
expect("a reservation", lock.status === 200 && lock.body.resource_key === "src/a.ts", lock);
const left = await call("post", "/v1/reservations/release", { body: { resource_key: "src/a.ts" } });
expect("its release", left.status === 200, left);

// Errors: a sentence, and fields that do not fit.
const missing = await call("get", "/v1/beads/issues/{beadId}", { path: { beadId: "ts-404" } });
expect("an error's sentence", missing.status === 404 && missing.body.detail.length > 0, missing);
// @ts-expect-error A text is no number.
const invalid = await call("post", "/v1/reservations", { body: { resource_key: "src/a.ts", ttl_seconds: "soon" } });
expect("an error's fields", invalid.status === 422 && Array.isArray(invalid.body.detail) && invalid.body.detail[0]?.loc.join(".") === "body.ttl_seconds", invalid);
