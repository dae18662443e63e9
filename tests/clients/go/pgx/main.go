// pgx: binary results, cached prepared statements, a batch in one round trip, a rolled-back change.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

func main() {
	background := context.Background()
	url := fmt.Sprintf("postgresql://app_user@%s:%s/%s?sslmode=disable", os.Args[1], os.Args[2], os.Args[3])
	db, err := pgx.Connect(background, url)
	check(err)
	defer db.Close(background)
	_, err = db.Exec(background, "select set_config('quivive.agent', $1, false), set_config('quivive.contact', $2, false)", "pgx.agent", "A-3")
	check(err)
	for key := 1; key <= 5; key++ {
		var id int64
		var name string
		check(db.QueryRow(background, "select id, last_name from customer where id = $1", key).Scan(&id, &name))
		fmt.Println(id, name)
	}
	batch := &pgx.Batch{}
	for key := 10; key < 30; key++ {
		batch.Queue("select id, phone from customer where id = $1", key)
	}
	results, count := db.SendBatch(background, batch), 0
	for each := 0; each < batch.Len(); each++ {
		var id int64
		var phone string
		check(results.QueryRow().Scan(&id, &phone))
		count++
	}
	check(results.Close())
	fmt.Println("batch", count)
	change, err := db.Begin(background)
	check(err)
	for key := 30; key <= 32; key++ {
		_, err = change.Exec(background, "update customer set email = $1 where id = $2", "x@example.invalid", key)
		check(err)
	}
	check(change.Rollback(background))
	_, err = db.Exec(background, "select nothing from customer")
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		fmt.Println("error", refused.Code)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
