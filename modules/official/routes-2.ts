/** The HTTP handlers of `modules/rust/errands/src/routes.rs`, with the package `spacetimedb` 2.x. */
import {
  Router,
  schema,
  SenderError,
  SyncResponse,
  t,
  table,
  type HandlerContext,
  type InferSchema,
} from "spacetimedb/server";

const app = schema({
  done: table({ public: true }, { id: t.u64().primaryKey().autoInc(), what: t.string(), sender: t.string() }),
});
export default app;
type Ctx = HandlerContext<InferSchema<typeof app>>;

function note(ctx: Ctx, what: string): void {
  ctx.withTx((tx) => {
    const { isInternal } = tx.senderAuth;
    if (isInternal || tx.connectionId !== null) throw new Error("a handler is called by nobody");
    tx.db.done.insert({ id: 0n, what, sender: tx.sender.toHexString() });
  });
}

export const echo = app.httpHandler((_ctx, request) => {
  const response = new SyncResponse(request.bytes(), {
    headers: {
      "x-method": request.method,
      "x-uri": request.uri,
      "x-version": request.version.tag === "Http11" ? "HTTP/1.1" : "another",
      "content-type": "application/octet-stream",
    },
  });
  const said = [...request.headers].filter(([name]) => name === "x-said");
  for (const [, value] of said) response.headers.append("x-heard", value);
  response.headers.append("set-cookie", "a=1");
  response.headers.append("set-cookie", "b=2");
  return response;
});

export const root = app.httpHandler(() => new SyncResponse("root"));
export const slash = app.httpHandler({ name: "with_slash" }, () => new SyncResponse("slash"));

export const write = app.httpHandler((ctx, request) => {
  note(ctx, request.text());
  return new SyncResponse("written", { status: 201 });
});

export const noContent = app.httpHandler(() => new SyncResponse("dropped", { status: 204 }));
export const oddStatus = app.httpHandler(() => new SyncResponse("odd", { status: 999 }));

export const panics = app.httpHandler((ctx) => {
  note(ctx, "before the panic");
  throw new Error("as asked");
});

export const spins = app.httpHandler(() => {
  for (;;);
});

export const fetches = app.httpHandler((ctx, request) => {
  note(ctx, "fetch begins");
  const page = ctx.http.fetch(request.text());
  note(ctx, "fetch ends");
  return new SyncResponse(page.text(), { status: page.status });
});

export const large = app.httpHandler((_ctx, request) => new SyncResponse(new Uint8Array(Number(request.text()))));

export const refuses = app.httpHandler(() => {
  throw new SenderError("not today");
});
export const json = app.httpHandler((ctx, request) =>
  SyncResponse.json({
    got: request.json(),
    keys: Object.keys(ctx).toSorted(),
    random: ctx.random.integerInRange(3, 3),
  }),
);
// What no type allows, an author without types may do.
export const givesNothing = app.httpHandler((() => undefined) as unknown as () => SyncResponse);
export const badHeader = app.httpHandler(() => new SyncResponse("", { headers: { "x a": "b" } }));

export const routes = app.httpRouter(
  new Router()
    .get("", root)
    .get("/", slash)
    .any("/echo", echo)
    .post("/write", write)
    .put("/write", noContent)
    .head("/only-head", noContent)
    .get("/odd-status", oddStatus)
    .post("/panic", panics)
    .post("/spin", spins)
    .post("/fetch", fetches)
    .post("/large", large)
    .merge(
      new Router().post("/json", json).post("/refuse", refuses).get("/nothing", givesNothing).get("/header", badHeader),
    )
    .nest("/nested", new Router().get("/deep/~a_b-c", root)),
);
