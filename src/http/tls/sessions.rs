//! Sessions kept for resumption (RFC 8446 §2.2), dropped whenever trust changes: a resumed session
//! carries the client's certificate without showing it again, so a revoked client could come back.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};

pub(super) struct Sessions {
    size: usize,
    current: ArcSwap<Cache>,
}

struct Cache(Arc<ServerSessionMemoryCache>);

impl Sessions {
    pub(super) fn new(size: usize) -> Self {
        Self { size, current: ArcSwap::from_pointee(Cache(ServerSessionMemoryCache::new(size))) }
    }

    /// No session kept so far can be resumed any more. A handshake that is under way may still put
    /// one here: `Peer` finds it unknown to the trust in force and verifies it again.
    pub(super) fn drop_all(&self) {
        self.current.store(Arc::new(Cache(ServerSessionMemoryCache::new(self.size))));
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.current.load().0.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.current.load().0.get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.current.load().0.take(key)
    }

    fn can_cache(&self) -> bool {
        self.size > 0
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("size", &self.size).finish_non_exhaustive()
    }
}
