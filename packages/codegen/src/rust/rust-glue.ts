/** The part of `mod.rs` that is the same for every module: views, contexts, connection, subscriptions. */
import { inModule } from "./rust-files.ts";

type Sdk = 1 | 2;

export function connectionTypes(sdk: Sdk): string {
  return [
    ...views(sdk).map(({ type, says }) => view(type, says)),
    connection(sdk),
    ...contexts.map((each) => context(sdk, each)),
    handle,
    remoteDbContext(sdk),
  ].join("\n");
}

interface View {
  readonly field: string;
  readonly type: string;
  readonly says: string;
}

function views(sdk: Sdk): readonly View[] {
  return [
    { field: "db", type: "RemoteTables", says: "The tables and views, as the client has them." },
    { field: "reducers", type: "RemoteReducers", says: "The reducers, to be called." },
    { field: "procedures", type: "RemoteProcedures", says: "The procedures, to be called." },
    ...(sdk === 1
      ? [{ field: "set_reducer_flags", type: "SetReducerFlags", says: "How the server answers calls, by reducer." }]
      : []),
  ];
}

const view = (type: string, says: string): string => `/// ${says}
pub struct ${type} {
    imp: __sdk::DbContextImpl<RemoteModule>,
}

${inModule(type, "RemoteModule")}`;

/** The fields of a connection and of each context. */
const fields = (sdk: Sdk): string =>
  views(sdk)
    .map(({ field, type, says }) => `    /// ${says}\n    pub ${field}: ${type},\n`)
    .join("");

const made = (sdk: Sdk): string =>
  views(sdk)
    .map(({ field, type }) => `            ${field}: ${type} { imp: imp.clone() },\n`)
    .join("");

function dbContext(sdk: Sdk, name: string): string {
  const associated: Readonly<Record<string, string>> = {
    db: "DbView",
    reducers: "Reducers",
    procedures: "Procedures",
    set_reducer_flags: "SetReducerFlags",
  };
  const types = views(sdk).map(({ field, type }) => `    type ${associated[field]} = ${type};\n`);
  const methods = views(sdk).map(
    ({ field }) => `
    fn ${field}(&self) -> &Self::${associated[field]} {
        &self.${field}
    }
`,
  );
  return `impl __sdk::DbContext for ${name} {
${types.join("")}    type SubscriptionBuilder = __sdk::SubscriptionBuilder<RemoteModule>;
${methods.join("")}
    fn is_active(&self) -> bool {
        self.imp.is_active()
    }

    fn disconnect(&self) -> __sdk::Result<()> {
        self.imp.disconnect()
    }

    fn subscription_builder(&self) -> Self::SubscriptionBuilder {
        __sdk::SubscriptionBuilder::new(&self.imp)
    }

    fn try_identity(&self) -> ::core::option::Option<__sdk::Identity> {
        self.imp.try_identity()
    }

    fn connection_id(&self) -> __sdk::ConnectionId {
        self.imp.connection_id()
    }

    fn try_connection_id(&self) -> ::core::option::Option<__sdk::ConnectionId> {
        self.imp.try_connection_id()
    }
}
`;
}

function connection(sdk: Sdk): string {
  // The second line compiles for browsers too, where nothing may block.
  const [native, browser] =
    sdk === 1
      ? ["", ""]
      : [
          '    #[cfg(not(target_arch = "wasm32"))]\n',
          `
    /// Handles messages as they come, in the background.
    #[cfg(target_arch = "wasm32")]
    pub fn run_background_task(&self) {
        self.imp.run_background_task()
    }
`,
        ];
  return `/// A connection to a database that runs this module.
pub struct DbConnection {
${fields(sdk)}    imp: __sdk::DbContextImpl<RemoteModule>,
}

${inModule("DbConnection", "RemoteModule")}
impl __sdk::DbConnection for DbConnection {
    fn new(imp: __sdk::DbContextImpl<RemoteModule>) -> Self {
        Self {
${made(sdk)}            imp,
        }
    }
}

${dbContext(sdk, "DbConnection")}
impl DbConnection {
    /// Sets a connection up.
    pub fn builder() -> __sdk::DbConnectionBuilder<RemoteModule> {
        __sdk::DbConnectionBuilder::new()
    }

    /// Handles one message if one has come; says whether it did.
    pub fn advance_one_message(&self) -> __sdk::Result<bool> {
        self.imp.advance_one_message()
    }

    /// Waits for a message and handles it.
${native}    pub fn advance_one_message_blocking(&self) -> __sdk::Result<()> {
        self.imp.advance_one_message_blocking()
    }

    /// Waits for a message and handles it.
    pub async fn advance_one_message_async(&self) -> __sdk::Result<()> {
        self.imp.advance_one_message_async().await
    }

    /// Handles every message that has come.
    pub fn frame_tick(&self) -> __sdk::Result<()> {
        self.imp.frame_tick()
    }

    /// Handles messages as they come, in a thread of its own.
${native}    pub fn run_threaded(&self) -> ::std::thread::JoinHandle<()> {
        self.imp.run_threaded()
    }
${browser}
    /// Handles messages as they come, until the connection ends.
    pub async fn run_async(&self) -> __sdk::Result<()> {
        self.imp.run_async().await
    }
}
`;
}

interface Context {
  readonly name: string;
  readonly says: string;
  readonly event: string;
  readonly hasField: boolean;
}

const contexts: readonly Context[] = [
  { name: "EventContext", says: "What row callbacks are given.", event: "__sdk::Event<Reducer>", hasField: true },
  {
    name: "ReducerEventContext",
    says: "What reducer callbacks are given.",
    event: "__sdk::ReducerEvent<Reducer>",
    hasField: true,
  },
  { name: "ProcedureEventContext", says: "What procedure callbacks are given.", event: "()", hasField: false },
  {
    name: "SubscriptionEventContext",
    says: "What a subscription's callbacks are given.",
    event: "()",
    hasField: false,
  },
  {
    name: "ErrorContext",
    says: "What callbacks of the connection's end and of errors are given.",
    event: "::core::option::Option<__sdk::Error>",
    hasField: true,
  },
];

function context(sdk: Sdk, { name, says, event, hasField }: Context): string {
  return `/// ${says}
pub struct ${name} {
${fields(sdk)}${hasField ? `    /// What happened.\n    pub event: ${event},\n` : ""}    imp: __sdk::DbContextImpl<RemoteModule>,
}

impl __sdk::AbstractEventContext for ${name} {
    type Event = ${event};

    fn event(&self) -> &Self::Event {
        ${hasField ? "&self.event" : "&()"}
    }

    fn new(imp: __sdk::DbContextImpl<RemoteModule>, ${hasField ? "event" : "_event"}: Self::Event) -> Self {
        Self {
${made(sdk)}${hasField ? "            event,\n" : ""}            imp,
        }
    }
}

${inModule(name, "RemoteModule")}
${dbContext(sdk, name)}
impl __sdk::${name} for ${name} {}
`;
}

const handle = `/// A subscription, to be ended with \`unsubscribe\`.
#[derive(Clone)]
pub struct SubscriptionHandle {
    imp: __sdk::SubscriptionHandleImpl<RemoteModule>,
}

${inModule("SubscriptionHandle", "RemoteModule")}
impl __sdk::SubscriptionHandle for SubscriptionHandle {
    fn new(imp: __sdk::SubscriptionHandleImpl<RemoteModule>) -> Self {
        Self { imp }
    }

    fn is_ended(&self) -> bool {
        self.imp.is_ended()
    }

    fn is_active(&self) -> bool {
        self.imp.is_active()
    }

    fn unsubscribe_then(self, on_end: __sdk::OnEndedCallback<RemoteModule>) -> __sdk::Result<()> {
        self.imp.unsubscribe_then(Some(on_end))
    }

    fn unsubscribe(self) -> __sdk::Result<()> {
        self.imp.unsubscribe_then(None)
    }
}
`;

function remoteDbContext(sdk: Sdk): string {
  const bound = `__sdk::DbContext<
    DbView = RemoteTables,
    Reducers = RemoteReducers,
    Procedures = RemoteProcedures,
${sdk === 1 ? "    SetReducerFlags = SetReducerFlags,\n" : ""}    SubscriptionBuilder = __sdk::SubscriptionBuilder<RemoteModule>,
>`;
  return `/// A connection or a context of this module, for functions that take any.
pub trait RemoteDbContext: ${bound} {}

impl<Ctx: ${bound}> RemoteDbContext for Ctx {}
`;
}
