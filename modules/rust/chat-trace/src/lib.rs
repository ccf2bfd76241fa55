//! The chat whose description and host calls the vectors recorded (`chat-1.12`): the same schema, the same calls.

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
    #[primary_key]
    #[auto_inc]
    id: u64,
    #[index(btree)]
    sender: Identity,
    sent: Timestamp,
    text: String,
}

#[reducer(init)]
pub fn init(_ctx: &ReducerContext) {}

#[reducer(client_connected)]
pub fn identity_connected(ctx: &ReducerContext) {
    match ctx.db.user().identity().find(ctx.sender) {
        Some(user) => ctx.db.user().identity().update(User { online: true, ..user }),
        None => ctx.db.user().insert(User { identity: ctx.sender, name: None, online: true }),
    };
}

#[reducer]
pub fn send_message(ctx: &ReducerContext, text: String) -> Result<(), String> {
    if text.is_empty() {
        return Err("Messages must not be empty".into());
    }
    log::info!(target: "chat", "message {text}");
    ctx.db.message().insert(Message { id: 0, sender: ctx.sender, sent: ctx.timestamp, text });
    Ok(())
}
