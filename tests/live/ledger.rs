//! The ledger in a real PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;

use realmwright::ledger::PostgresStore;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};

use crate::contract::ledger::Place;
use crate::server::{runtime, scratch};

/// A PostgreSQL of this test, ended with it.
struct Postgres {
    state: PathBuf,
    options: PgConnectOptions,
}

fn script(state: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("keycloak-dev/postgres");
    let output = Command::new(script).args(arguments).env("KEYCLOAK_STATE", state).output().expect("it can be run");
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
        fn postgresql_keeps_the_ledger() {
            let postgres = Postgres::start();
            runtime().block_on(async {
                $(
                    eprintln!("{}", stringify!($case));
                    crate::contract::ledger::$case(&Database::create(&postgres, stringify!($case)).await).await;
                )+
            });
        }
    };
}

crate::ledger_cases!(on_postgres);
