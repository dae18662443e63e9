// Checks logs with the Go reference library alone: signed checkpoint, inclusion and consistency from tiles.
// Arguments: one folder for each log, holding vkey, checkpoint and tile/. Prints "ok <size>" for each.
// A folder with a file `minimum` is pruned: proofs from there on must hold, the first entry must be gone.
// `judge VKEY FILE` prints for each note in a file whether note.Open accepts it.
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
	minimum := int64(0)
	if text, err := os.ReadFile(filepath.Join(string(f), "minimum")); err == nil {
		minimum, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		must(err)
		if _, err := tlog.ProveRecord(size, 0, reader); err == nil {
			fmt.Println("the first entry is still proven")
			os.Exit(1)
		}
	}
	for i := minimum; i < size; i += 1 + size/700 {
		proof, err := tlog.ProveRecord(size, i, reader)
		must(err)
		must(tlog.CheckRecord(proof, size, root, i, tlog.RecordHash(entry(f, size, i))))
	}
	for _, old := range []int64{1, size / 3, size / 2, size - 1} {
		if old < 1 || old >= size || old < minimum {
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

// judge says of each note in a file (a line each: base64) whether note.Open accepts it under the verifier.
func judge(vkey, name string) {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	data, err := os.ReadFile(name)
	must(err)
	for _, line := range strings.Fields(string(data)) {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "-"))
		must(err)
		_, err = note.Open(raw, note.VerifierList(verifier))
		fmt.Println(err == nil)
	}
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "judge" {
		judge(os.Args[2], os.Args[3])
		return
	}
	for _, name := range os.Args[1:] {
		check(folder(name))
	}
}
