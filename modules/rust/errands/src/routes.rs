//! HTTP handlers, which the 2.x crate has: what comes and goes, transactions, waiting, and each way of not ending well.

use crate::{done, Done};
use spacetimedb::http::{handler, router, Body, HandlerContext, Request, Response, Router};
use spacetimedb::Table;

fn answer(status: u16, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status.try_into().unwrap();
    response
}

fn note(ctx: &mut HandlerContext, what: &str) {
    ctx.with_tx(|tx| {
        let sender = tx.sender().to_hex().to_string();
        tx.db.done().insert(Done { id: 0, what: what.to_string(), sender, at: tx.timestamp });
    });
}

/// Gives the body back, and in headers what else came.
#[handler]
fn echo(_ctx: &mut HandlerContext, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = answer(200, body.into_bytes().to_vec());
    let headers = response.headers_mut();
    headers.insert("x-method", parts.method.as_str().parse().unwrap());
    headers.insert("x-uri", parts.uri.to_string().parse().unwrap());
    headers.insert("x-version", format!("{:?}", parts.version).parse().unwrap());
    for value in parts.headers.get_all("x-said") {
        headers.append("x-heard", value.clone());
    }
    headers.append("set-cookie", "a=1".parse().unwrap());
    headers.append("set-cookie", "b=2".parse().unwrap());
    headers.append("content-type", "application/octet-stream".parse().unwrap());
    response
}

#[handler]
fn root(_ctx: &mut HandlerContext, _request: Request) -> Response {
    answer(200, "root")
}

#[handler]
fn slash(_ctx: &mut HandlerContext, _request: Request) -> Response {
    answer(200, "slash")
}

#[handler]
fn write(ctx: &mut HandlerContext, request: Request) -> Response {
    let what = request.into_body().into_string().unwrap_or_default();
    note(ctx, &what);
    answer(201, "written")
}

#[handler]
fn no_content(_ctx: &mut HandlerContext, _request: Request) -> Response {
    answer(204, "dropped")
}

#[handler]
fn odd_status(_ctx: &mut HandlerContext, _request: Request) -> Response {
    answer(999, "odd")
}

#[handler]
fn panics(ctx: &mut HandlerContext, _request: Request) -> Response {
    note(ctx, "before the panic");
    panic!("as asked")
}

#[handler]
fn spins(_ctx: &mut HandlerContext, request: Request) -> Response {
    loop {
        std::hint::black_box(&request);
    }
}

/// Fetches the address in its body, and gives on what it was answered.
#[handler]
fn fetches(ctx: &mut HandlerContext, request: Request) -> Response {
    let url = request.into_body().into_string().unwrap_or_default();
    note(ctx, "fetch begins");
    let (status, text) = match ctx.http.get(url.as_str()) {
        Ok(page) => (page.status().as_u16(), page.into_body().into_string_lossy()),
        Err(error) => (502, error.to_string()),
    };
    note(ctx, "fetch ends");
    answer(status, text)
}

#[handler]
fn large(_ctx: &mut HandlerContext, request: Request) -> Response {
    let bytes: usize = request.into_body().into_string().unwrap_or_default().parse().unwrap_or(0);
    answer(200, vec![7u8; bytes])
}

#[router]
fn routes() -> Router {
    Router::new()
        .get("", root)
        .get("/", slash)
        .any("/echo", echo)
        .post("/write", write)
        .put("/write", no_content)
        .head("/only-head", no_content)
        .get("/odd-status", odd_status)
        .post("/panic", panics)
        .post("/spin", spins)
        .post("/fetch", fetches)
        .post("/large", large)
        .nest("/nested", Router::new().get("/deep/~a_b-c", root))
}
