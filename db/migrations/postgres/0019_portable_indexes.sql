-- +goose Up
-- PostgreSQL's had the common words from the start.
SELECT 1;
