package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/authsignal/authsignalgo/v2/client"
)

func main() {
	authsignal := client.NewAuthsignalClient(os.Getenv("AUTHSIGNAL_API_SECRET_KEY"), os.Getenv("AUTHSIGNAL_API_URL"))
	http.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		if token := r.URL.Query().Get("token"); token != "" {
			answer, err := authsignal.ValidateChallenge(client.ValidateChallengeRequest{Token: token, Action: "hello"})
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			fmt.Fprintf(w, "Hello %s! Confirmed: %t\n", answer.UserId, answer.IsValid != nil && *answer.IsValid)
			return
		}
		attributes := &client.TrackAttributes{RedirectUrl: "http://" + r.Host + "/"}
		answer, err := authsignal.Track(client.TrackRequest{UserId: "ada", Action: "hello", Attributes: attributes})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, answer.Url, http.StatusSeeOther)
	})
	fmt.Println("http://localhost:3000/")
	log.Fatal(http.ListenAndServe("127.0.0.1:3000", nil))
}
