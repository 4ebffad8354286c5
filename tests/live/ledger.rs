//! The ledger, and the broker's sessions, in a real PostgreSQL.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use realmwright::ledger::{Cause, Ledger, LedgerError, Order, PostgresStore, verify};
use realmwright::licence::{Command, Measure};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::contract::ledger::Place;
use crate::server::{runtime, scratch};

/// A PostgreSQL of this test, ended with it.
struct Postgres {
    state: PathBuf,
    options: PgConnectOptions,
}

fn script(state: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("keycloak-dev/postgres");
    let output =
        process::Command::new(script).args(arguments).env("KEYCLOAK_STATE", state).output().expect("it can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

impl Postgres {
    fn start() -> Self {
        let state = scratch().join("ledger");
        script(&state, &["start"]);
        let status = script(&state, &["status"]);
        let [host, port, database, user, password] =
            status.split_whitespace().collect::<Vec<_>>().try_into().expect("five words");
        let password = std::fs::read_to_string(password).expect("a password");
        let options = PgConnectOptions::new()
            .host(host)
            .port(port.parse().expect("a port"))
            .database(database)
            .username(user)
            .password(password.trim());
        Self { state, options }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        script(&self.state, &["stop", "--purge"]);
    }
}

/// A database for one case.
struct Database(PgConnectOptions);

impl Database {
    async fn create(postgres: &Postgres, name: &str) -> Self {
        let mut connection = PgConnection::connect_with(&postgres.options).await.expect("it answers");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("made");
        Self(postgres.options.clone().database(name))
    }
}

impl Place for Database {
    type Store = PostgresStore;

    fn store(&self) -> PostgresStore {
        PostgresStore::new(self.0.clone())
    }

    async fn sql(&self, statement: &str) {
        let statement = statement.replace(" entry", " realmwright_entry");
        let mut connection = PgConnection::connect_with(&self.0).await.expect("it answers");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("done");
    }
}

macro_rules! on_postgres {
    ($($case:ident),+) => {
        #[test]
        fn postgresql_keeps_the_ledger_and_sessions() {
            let postgres = Postgres::start();
            runtime().block_on(async {
                $(
                    eprintln!("{}", stringify!($case));
                    crate::contract::ledger::$case(&Database::create(&postgres, stringify!($case)).await).await;
                )+
                keeps_sessions(&postgres).await;
                a_lost_connection_loses_nothing(&Database::create(&postgres, "cut").await).await;
            });
        }
    };
}

crate::ledger_cases!(on_postgres);

macro_rules! sessions_on_postgres {
    ($($case:ident),+) => {
        async fn keeps_sessions(postgres: &Postgres) {
            $(
                eprintln!("{}", stringify!($case));
                let database = Database::create(postgres, stringify!($case)).await;
                let place = realmwright::broker::Place::Shared(database.0.to_url_lossy());
                crate::contract::sessions::$case(&place).await;
            )+
        }
    };
}

crate::session_cases!(sessions_on_postgres);

/// The server ends every session again and again while a writer works: what it was answered is kept, and what it was not it
/// sends again, which is done once.
async fn a_lost_connection_loses_nothing(database: &Database) {
    const ORDERS: u64 = 150;
    let order = |number: u64| Order {
        at: 10,
        actor: "tests".into(),
        cause: Cause::default(),
        key: Some(format!("k{number}")),
        command: Command::DefineResource { resource: format!("r{number}"), measure: Measure::Counter },
    };
    let (options, done) = (database.0.clone(), Arc::new(AtomicBool::new(false)));
    let end = done.clone();
    let cutter = tokio::spawn(async move {
        let mut connection = PgConnection::connect_with(&options).await.expect("it answers");
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        // Also a machine that is slow to connect gets on between two cuts.
        for pause in [7, 20, 60, 200].into_iter().cycle().take_while(|_| !end.load(Ordering::Relaxed)) {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            sqlx::query(cut).execute(&mut connection).await.expect("ended");
        }
    });
    let mut ledger = Ledger::open(database.store()).await;
    let mut lost = 0;
    for number in 0..ORDERS {
        loop {
            assert!(lost < 5_000, "it gets nowhere");
            let answered = match &mut ledger {
                Ok(ledger) => ledger.submit(&[order(number)]).await.map(|_| ()),
                Err(_) => {
                    ledger = Ledger::open(database.store()).await;
                    lost += 1;
                    continue;
                }
            };
            match answered {
                Ok(()) => break,
                Err(LedgerError::Store { .. }) => lost += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    cutter.await.expect("no panic");
    assert!(lost > 0, "no connection was lost");
    let (head, findings) = verify(&mut database.store(), None).await.expect("can be read");
    assert_eq!((head.sequence, findings), (ORDERS, Vec::new()), "after {lost} losses");
}
