//! Life-cycle reducers, who calls, chance, logs and timers.

use crate::{expect_same, write_down};
use spacetimedb::log_stopwatch::LogStopwatch;
use spacetimedb::rand::Rng;
use spacetimedb::{reducer, table, ConnectionId, Identity, ReducerContext, Table, Timestamp};

#[table(name = session, public)]
pub struct Session {
    #[primary_key]
    connection: ConnectionId,
    #[index(btree)]
    identity: Identity,
    since: Timestamp,
}

/// Identities whose connections are refused.
#[table(name = banned)]
pub struct Banned {
    #[primary_key]
    identity: Identity,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) -> Result<(), String> {
    write_down(ctx, "init");
    Ok(())
}

#[reducer(client_connected)]
pub fn on_connect(ctx: &ReducerContext) -> Result<(), String> {
    if ctx.db.banned().identity().find(ctx.sender).is_some() {
        return Err("you are banned".into());
    }
    let connection = ctx.connection_id.ok_or("a connection without an id")?;
    ctx.db.session().insert(Session { connection, identity: ctx.sender, since: ctx.timestamp });
    Ok(())
}

#[reducer(client_disconnected)]
pub fn on_disconnect(ctx: &ReducerContext) {
    if let Some(connection) = ctx.connection_id {
        ctx.db.session().connection().delete(connection);
    }
}

#[reducer]
pub fn ban(ctx: &ReducerContext, identity: Identity) {
    ctx.db.banned().insert(Banned { identity });
}

/// Writes down what the call says of its caller.
#[reducer]
pub fn who_am_i(ctx: &ReducerContext) {
    let auth = ctx.sender_auth();
    let claims = auth.jwt().map(|jwt| format!("{} {} {:?}", jwt.issuer(), jwt.subject(), jwt.audience()));
    write_down(
        ctx,
        format!(
            "sender={} connection={:?} database={} at={} internal={} claims={claims:?}",
            ctx.sender,
            ctx.connection_id.map(|c| c.to_hex().to_string()),
            ctx.identity(),
            ctx.timestamp.to_micros_since_unix_epoch(),
            auth.is_internal(),
        ),
    );
}

/// Writes down the numbers that the timestamp seeds.
#[reducer]
pub fn roll(ctx: &ReducerContext) -> Result<(), String> {
    let dice: u8 = ctx.rng().gen_range(1..=6);
    expect_same("dice", (1..=6).contains(&dice), true)?;
    write_down(ctx, format!("{dice} {}", ctx.random::<u64>()));
    Ok(())
}

/// One line at each level, with and without a target, and a timer around them.
#[reducer]
pub fn speak(_ctx: &ReducerContext) {
    let watch = LogStopwatch::new("speech \"quoted\"");
    log::error!("an error");
    log::warn!("a warning");
    log::info!("some news");
    log::debug!("a detail");
    log::trace!("a trace");
    log::info!(target: "elsewhere", "with a target: é🌍");
    watch.end();
}

#[reducer]
pub fn refuse(ctx: &ReducerContext, reason: String) -> Result<(), String> {
    write_down(ctx, "must not stay");
    Err(reason)
}

/// Why a reducer does not do what it is asked.
pub enum Refusal {
    TooMany(u32),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Refusal::TooMany(count) = self;
        write!(out, "{count} are too many")
    }
}

#[reducer]
pub fn refuse_many(ctx: &ReducerContext, count: u32) -> Result<(), Refusal> {
    write_down(ctx, "must not stay");
    if count > 3 {
        return Err(Refusal::TooMany(count));
    }
    Ok(())
}

#[reducer]
pub fn panic_now(ctx: &ReducerContext, reason: String) {
    write_down(ctx, "must not stay");
    panic!("{reason}");
}
