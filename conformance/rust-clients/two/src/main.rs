//! Does what the lines of standard input say, words set apart by tabs, and prints what the client library's callbacks are given.
#![deny(warnings)]
#[path = "../../words.rs"]
mod words;
#[allow(dead_code)]
mod awkward;
mod harbor;

use harbor::*;
use spacetimedb_sdk::{DbContext, Event, EventTable, SubscriptionHandle as _, Table, TableWithPrimaryKey};
use std::collections::HashMap;
use words::{compression, say, Words};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().expect("the server's address");
    let database = arguments.next().expect("the database's name");
    let mut connection: Option<DbConnection> = None;
    let mut handles: HashMap<String, SubscriptionHandle> = HashMap::new();
    for line in std::io::stdin().lines() {
        let line = line.expect("a line");
        let mut words = Words::of(&line);
        let command = words.text();
        if command == "connect" {
            connection = connect(&uri, &database, words);
            continue;
        }
        let Some(open) = &connection else { continue };
        match command.as_str() {
            "subscribe" => {
                let id = words.text();
                handles.insert(id.clone(), subscription(open, id).subscribe(words.text()));
            }
            "where" => {
                let id = words.text();
                let text = words.text();
                let built = open
                    .subscription_builder()
                    .on_applied(applied(id.clone()))
                    .on_error(failed(id.clone()))
                    .add_query(|q| q.from.boat().r#where(|boat| boat.name.eq(text.clone())).build())
                    .subscribe();
                handles.insert(id, built);
            }
            "all" => {
                let id = words.text();
                handles.insert(id.clone(), subscription(open, id).subscribe_to_all_tables());
            }
            "unsubscribe" => {
                let id = words.text();
                let handle = handles.remove(&id).expect("a subscription of that name");
                let asked = handle.unsubscribe_then(Box::new(move |ctx| {
                    say(&["ended", &id, &ctx.db.boat().count().to_string()]);
                }));
                asked.expect("an active subscription");
            }
            "boats" => {
                let mut names: Vec<String> = open.db.boat().iter().map(|boat| boat.name).collect();
                names.sort();
                say(&["boats", &names.join(" "), &open.db.boat().count().to_string()]);
            }
            "show" => say(&["show", &format!("{:?}", open.db.boat().name().find(&words.text()))]),
            "horns" => say(&["horns", &open.db.horn().count().to_string()]),
            "disconnect" => say(&["disconnect", &format!("{:?}", open.disconnect().map_err(|error| error.to_string()))]),
            "active" => say(&["active", &open.is_active().to_string()]),
            call => call_it(open, call, words),
        }
    }
}

fn connect(uri: &str, database: &str, mut words: Words) -> Option<DbConnection> {
    let built = DbConnection::builder()
        .with_uri(uri)
        .with_database_name(database)
        .with_compression(compression(&words.text()))
        .with_token(words.option())
        .with_confirmed_reads(true)
        .on_connect(|_, identity, token| say(&["connected", &identity.to_hex(), token]))
        .on_connect_error(|_, error| say(&["connect-error", &error.to_string()]))
        .on_disconnect(|_, error| say(&["disconnected", &error.map_or("-".into(), |error| error.to_string())]))
        .build();
    let connection = match built {
        Ok(connection) => connection,
        Err(error) => {
            say(&["refused", &error.to_string()]);
            return None;
        }
    };
    let db = &connection.db;
    db.boat().on_insert(|ctx, boat| say(&["insert", "boat", &boat.name, &event(&ctx.event)]));
    db.boat().on_delete(|ctx, boat| say(&["delete", "boat", &boat.name, &event(&ctx.event)]));
    db.boat().on_update(|ctx, before, after| {
        let change = format!("{} {}/{} {}/{}", after.name, before.dock, before.slot, after.dock, after.slot);
        say(&["update", "boat", &change, &event(&ctx.event)]);
    });
    db.gauge().on_update(|ctx, before, after| {
        say(&["update", "gauge", &format!("{} {} {}", after.id, before.level, after.level), &event(&ctx.event)]);
    });
    db.gauge().on_insert(|ctx, gauge| say(&["insert", "gauge", &gauge.id.to_string(), &event(&ctx.event)]));
    db.horn().on_insert(|ctx, horn| say(&["insert", "horn", &horn.sound, &event(&ctx.event)]));
    connection.run_threaded();
    Some(connection)
}

fn event(event: &Event<Reducer>) -> String {
    match event {
        Event::Reducer(call) => format!("{:?} {:?}", call.status, call.reducer).replace("Committed", "of"),
        other => format!("{other:?}"),
    }
}

fn applied(id: String) -> impl FnOnce(&SubscriptionEventContext) + Send + 'static {
    move |ctx| say(&["applied", &id, &ctx.db.boat().count().to_string()])
}

fn failed(id: String) -> impl FnOnce(&ErrorContext, spacetimedb_sdk::Error) + Send + 'static {
    move |_, error| say(&["error", &id, &error.to_string()])
}

fn subscription(connection: &DbConnection, id: String) -> spacetimedb_sdk::__codegen::SubscriptionBuilder<RemoteModule> {
    connection.subscription_builder().on_applied(applied(id.clone())).on_error(failed(id))
}

type Outcome = Result<Result<(), String>, spacetimedb_sdk::__codegen::InternalError>;

/// Says what came of a call, and what the client has by then.
fn heard(name: &'static str) -> impl FnOnce(&ReducerEventContext, Outcome) + Send + 'static {
    move |ctx, outcome| {
        let outcome = match outcome {
            Ok(Ok(())) => "ok".to_string(),
            Ok(Err(text)) => format!("err {text}"),
            Err(error) => format!("panic {error}"),
        };
        say(&["result", name, &outcome, &ctx.db.boat().count().to_string()]);
    }
}

fn call_it(connection: &DbConnection, name: &str, mut words: Words) {
    let DbConnection { reducers, procedures, .. } = connection;
    let sent = match name {
        "dock_boat" => {
            let hull = Hull { length: 7.5, beam: 2.5 };
            let (name, dock, slot) = (words.text(), words.number(), words.number());
            reducers.dock_boat_then(name, dock, slot, Rig::Sail(hull.clone()), hull, heard("dock_boat"))
        }
        "move_boat" => reducers.move_boat_then(words.text(), words.number(), words.number(), heard("move_boat")),
        "leave" => reducers.leave(words.text()),
        "set_gauge" => reducers.set_gauge_then(words.number(), words.number(), heard("set_gauge")),
        "idle" => reducers.idle_then(heard("idle")),
        "capsize" => reducers.capsize_then(heard("capsize")),
        "blow_horn" => reducers.blow_horn(words.number(), words.text()),
        "tide" => {
            procedures.tide_then(words.number(), words.number(), |_, hull| say(&["tide", &format!("{hull:?}")]));
            Ok(())
        }
        "refill" => {
            procedures.refill_then(words.number(), words.number(), |ctx, level| {
                say(&["refill", &format!("{level:?}"), &ctx.db.gauge().count().to_string()]);
            });
            Ok(())
        }
        other => panic!("no command {other}"),
    };
    sent.expect("a call that is queued");
}
