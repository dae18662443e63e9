// Checks logs with the Go reference library alone: signed checkpoint, inclusion and consistency from tiles.
// Arguments: one folder for each log, holding vkey, checkpoint and tile/. Prints "ok <size>" for each.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type folder string

func (f folder) Height() int                     { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(ts []tlog.Tile) (data [][]byte, err error) {
	for _, t := range ts {
		b, err := os.ReadFile(filepath.Join(string(f), strings.Replace(t.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		data = append(data, b)
	}
	return data, nil
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func entry(f folder, size, i int64) []byte {
	t := tlog.Tile{H: 8, L: -1, N: i / 256, W: 256}
	if size/256 == i/256 {
		t.W = int(size % 256)
	}
	b, err := os.ReadFile(filepath.Join(string(f), strings.Replace(t.Path(), "tile/8/data/", "tile/entries/", 1)))
	must(err)
	for k := int64(0); k < i%256; k++ {
		b = b[2+int(binary.BigEndian.Uint16(b)):]
	}
	return b[2 : 2+int(binary.BigEndian.Uint16(b))]
}

func check(f folder) {
	vkey, err := os.ReadFile(filepath.Join(string(f), "vkey"))
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(err)
	signed, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	var root tlog.Hash
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	copy(root[:], raw)
	tree := tlog.Tree{N: size, Hash: root}
	reader := tlog.TileHashReader(tree, f) // checks each tile it reads against the root
	for i := int64(0); i < size; i += 1 + size/700 {
		proof, err := tlog.ProveRecord(size, i, reader)
		must(err)
		must(tlog.CheckRecord(proof, size, root, i, tlog.RecordHash(entry(f, size, i))))
	}
	for _, old := range []int64{1, size / 3, size / 2, size - 1} {
		if old < 1 || old >= size {
			continue
		}
		oldRoot, err := tlog.TreeHash(old, reader)
		must(err)
		proof, err := tlog.ProveTree(size, old, reader)
		must(err)
		must(tlog.CheckTree(proof, size, root, old, oldRoot))
	}
	fmt.Println("ok", size)
}

func main() {
	for _, name := range os.Args[1:] {
		check(folder(name))
	}
}
