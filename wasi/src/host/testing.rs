//! Scratch directories for tests: a guest with one grant (descriptor 3), and files beside the grant.

use std::path::PathBuf;

use wrun_tests::Scratch;

use crate::host::table::{Descriptor, Dir};
use crate::host::{Grant, WasiCtx};
use crate::types::Access;

/// A scratch directory that contains the grant `grant`. It is removed at the end.
pub(crate) struct Tree {
    base: Scratch,
    pub(crate) ctx: WasiCtx,
}

impl Tree {
    /// Creates a writable grant.
    pub(crate) fn new() -> Tree {
        Tree::with(Access::ReadWrite)
    }

    /// Creates a read-only grant.
    pub(crate) fn read_only() -> Tree {
        Tree::with(Access::ReadOnly)
    }

    /// Creates a writable grant, and beside it the directory `outside` with the file `secret`.
    pub(crate) fn with_outside() -> Tree {
        let tree = Tree::new();
        std::fs::create_dir(tree.outside()).unwrap();
        std::fs::write(tree.outside().join("secret"), "secret").unwrap();
        tree
    }

    fn with(access: Access) -> Tree {
        let base = Scratch::new();
        std::fs::create_dir_all(base.join("grant")).unwrap();
        Tree {
            ctx: guest_with(base.join("grant"), access),
            base,
        }
    }

    /// Returns a path in the grant.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.base.join("grant").join(path)
    }

    /// Returns the directory beside the grant.
    pub(crate) fn outside(&self) -> PathBuf {
        self.base.join("outside")
    }

    /// Returns the grant.
    pub(crate) fn dir(&self) -> &Dir {
        self.ctx.table.dir(3).unwrap()
    }

    /// Grants another directory of the scratch directory, and returns its number.
    pub(crate) fn grant(&mut self, name: &str, access: Access) -> u32 {
        let path = self.base.join(name);
        std::fs::create_dir_all(&path).unwrap();
        let Descriptor::Dir(mut dir) = guest_with(path, access).table.remove(3).unwrap() else {
            panic!("a directory was granted");
        };
        dir.serial = self.ctx.table.next_serial();
        self.ctx.table.insert(Descriptor::Dir(dir)).unwrap()
    }
}

/// Creates a guest with one grant.
fn guest_with(host: PathBuf, access: Access) -> WasiCtx {
    let guest = b"/".to_vec();
    WasiCtx::builder()
        .grant(&Grant { host, guest, access })
        .unwrap()
        .build()
        .unwrap()
}
