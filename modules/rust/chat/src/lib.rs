//! A chat room: who is there, under what name, and what was said.

use spacetimedb::{reducer, table, Identity, ReducerContext, Table, Timestamp};

#[table(name = user, public)]
pub struct User {
    #[primary_key]
    identity: Identity,
    name: Option<String>,
    online: bool,
}

#[table(name = message, public)]
pub struct Message {
    sender: Identity,
    sent: Timestamp,
    text: String,
}

#[reducer(init)]
pub fn init(_ctx: &ReducerContext) {
    log::info!("the room is open");
}

#[reducer(client_connected)]
pub fn identity_connected(ctx: &ReducerContext) {
    match ctx.db.user().identity().find(ctx.sender) {
        Some(user) => ctx.db.user().identity().update(User { online: true, ..user }),
        None => ctx.db.user().insert(User { identity: ctx.sender, name: None, online: true }),
    };
}

#[reducer(client_disconnected)]
pub fn identity_disconnected(ctx: &ReducerContext) {
    match ctx.db.user().identity().find(ctx.sender) {
        Some(user) => {
            ctx.db.user().identity().update(User { online: false, ..user });
        }
        None => log::warn!("{} left without ever having come", ctx.sender),
    }
}

/// Gives the caller a name.
#[reducer]
pub fn set_name(ctx: &ReducerContext, name: String) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("Names must not be empty".into());
    }
    let user = ctx.db.user().identity().find(ctx.sender).ok_or("Cannot set name for unknown user")?;
    ctx.db.user().identity().update(User { name: Some(name), ..user });
    Ok(())
}

/// Says something to everyone.
#[reducer]
pub fn send_message(ctx: &ReducerContext, text: String) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("Messages must not be empty".into());
    }
    log::info!("message {text}");
    ctx.db.message().insert(Message { sender: ctx.sender, sent: ctx.timestamp, text });
    Ok(())
}
