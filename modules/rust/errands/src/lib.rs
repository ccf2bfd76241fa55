//! Procedures that wait: for the clock, for the network, and as the function of a scheduled table.
//!
//! Built twice, for the 1.12 and the 2.x crate (`errands2`).

#[cfg(feature = "two")]
mod routes;

use spacetimedb::http::{Body, Request, Timeout};
use spacetimedb::{procedure, reducer, table, ProcedureContext, ReducerContext, ScheduleAt, SpacetimeType, Table, Timestamp};
use std::time::Duration;

/// What procedures want to be seen to have done.
#[cfg_attr(not(feature = "two"), table(name = done, public))]
#[cfg_attr(feature = "two", table(accessor = done, public))]
pub struct Done {
    #[primary_key]
    #[auto_inc]
    id: u64,
    what: String,
    sender: String,
    at: Timestamp,
}

#[cfg_attr(not(feature = "two"), table(name = errand, public, scheduled(run_errand)))]
#[cfg_attr(feature = "two", table(accessor = errand, public, scheduled(run_errand)))]
pub struct Errand {
    #[primary_key]
    #[auto_inc]
    scheduled_id: u64,
    scheduled_at: ScheduleAt,
    what: String,
    nap_ms: u64,
    url: String,
}

#[derive(SpacetimeType)]
pub struct Page {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

#[cfg(feature = "two")]
fn sender_of(ctx: &ReducerContext) -> String {
    ctx.sender().to_hex().to_string()
}
#[cfg(not(feature = "two"))]
fn sender_of(ctx: &ReducerContext) -> String {
    ctx.sender.to_hex().to_string()
}

fn note(ctx: &mut ProcedureContext, what: &str) {
    ctx.with_tx(|tx| {
        tx.db.done().insert(Done { id: 0, what: what.to_string(), sender: sender_of(tx), at: tx.timestamp });
    });
}

fn nap_for(ctx: &mut ProcedureContext, millis: u64) {
    let until = ctx.timestamp + Duration::from_millis(millis);
    ctx.sleep_until(until);
}

// --- scheduled

#[procedure]
fn run_errand(ctx: &mut ProcedureContext, errand: Errand) {
    note(ctx, &format!("{} begins", errand.what));
    if errand.nap_ms > 0 {
        nap_for(ctx, errand.nap_ms);
    }
    if !errand.url.is_empty() {
        let told = ctx.http.get(errand.url.as_str()).map(|page| page.status().as_u16());
        note(ctx, &format!("{} hears {:?}", errand.what, told.ok()));
    }
    match errand.what.as_str() {
        "panic" => panic!("as asked"),
        "spin" => loop {
            std::hint::black_box(&errand);
        },
        what => note(ctx, &format!("{what} ends")),
    }
}

#[reducer]
fn plan_in(ctx: &ReducerContext, what: String, millis: u64, nap_ms: u64, url: String) {
    let scheduled_at = ScheduleAt::Time(ctx.timestamp + Duration::from_millis(millis));
    ctx.db.errand().insert(Errand { scheduled_id: 0, scheduled_at, what, nap_ms, url });
}

#[reducer]
fn plan_every(ctx: &ReducerContext, what: String, millis: u64, nap_ms: u64, url: String) {
    let scheduled_at = ScheduleAt::Interval(Duration::from_millis(millis).into());
    ctx.db.errand().insert(Errand { scheduled_id: 0, scheduled_at, what, nap_ms, url });
}

#[reducer]
fn cancel_all(ctx: &ReducerContext) {
    for errand in ctx.db.errand().iter() {
        ctx.db.errand().scheduled_id().delete(errand.scheduled_id);
    }
}

#[reducer]
fn write(ctx: &ReducerContext, what: String) {
    ctx.db.done().insert(Done { id: 0, what, sender: sender_of(ctx), at: ctx.timestamp });
}

// --- called

/// Gives back how long it slept, in microseconds.
#[procedure]
fn nap(ctx: &mut ProcedureContext, millis: u64) -> i64 {
    let before = ctx.timestamp;
    nap_for(ctx, millis);
    ctx.timestamp.to_micros_since_unix_epoch() - before.to_micros_since_unix_epoch()
}

#[procedure]
fn note_and_nap(ctx: &mut ProcedureContext, what: String, millis: u64) -> String {
    note(ctx, &format!("{what} begins"));
    nap_for(ctx, millis);
    note(ctx, &format!("{what} ends"));
    what
}

#[procedure]
fn nap_and_note(ctx: &mut ProcedureContext, what: String, millis: u64) -> String {
    nap_for(ctx, millis);
    note(ctx, &what);
    what
}

#[procedure]
fn nap_and_panic(ctx: &mut ProcedureContext, millis: u64) {
    nap_for(ctx, millis);
    panic!("after the nap");
}

#[procedure]
fn nap_and_spin(ctx: &mut ProcedureContext, millis: u64) {
    nap_for(ctx, millis);
    loop {
        std::hint::black_box(millis);
    }
}

/// Fetches a page and keeps what it says. Nothing is kept of a failure but its text.
#[procedure]
fn fetch(ctx: &mut ProcedureContext, method: String, url: String, headers: Vec<String>, body: Vec<u8>, timeout_ms: u64) -> Result<Page, String> {
    let mut request = Request::builder().method(method.as_str()).uri(url);
    for header in &headers {
        let (name, value) = header.split_once(": ").ok_or("a header is `name: value`")?;
        request = request.header(name, value);
    }
    if timeout_ms > 0 {
        request = request.extension(Timeout(Duration::from_millis(timeout_ms).into()));
    }
    let request = request.body(Body::from_bytes(body)).map_err(|error| error.to_string())?;
    let (parts, body) = ctx.http.send(request).map_err(|error| error.to_string())?.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect();
    let page = Page { status: parts.status.as_u16(), headers, body: body.into_bytes().to_vec() };
    note(ctx, &format!("fetched {} bytes", page.body.len()));
    Ok(page)
}
