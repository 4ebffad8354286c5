//! The ledger in SQLite, and its commands.

use std::path::PathBuf;

use realmwright::ledger::SqliteStore;
use sqlx::{Connection, SqliteConnection};

use crate::contract::ledger::Place;

struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("ledger.db")
    }
}

impl Place for File {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        SqliteStore::new(&self.path(), true)
    }

    async fn sql(&self, statement: &str) {
        let mut connection = SqliteConnection::connect(self.path().to_str().unwrap()).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

macro_rules! on_sqlite {
    ($($case:ident),+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            crate::contract::ledger::$case(&File::new()).await;
        }
    )+};
}

crate::ledger_cases!(on_sqlite);
