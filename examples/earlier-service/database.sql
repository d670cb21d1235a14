-- A small database of the shape that the earlier service's has, with the faults that its rows have. All of it is made up.
-- docs/migrating.md imports it: createdb earlier && psql earlier -f examples/earlier-service/database.sql

CREATE SCHEMA private_schema_blur;
SET search_path = private_schema_blur;

CREATE TABLE image_processing_status (
    image_customer_name varchar NOT NULL,
    image_upload_date timestamp NOT NULL,
    image_filename varchar NOT NULL,
    processing_status varchar,
    PRIMARY KEY (image_customer_name, image_upload_date, image_filename)
);

CREATE TABLE detection_information (
    id serial PRIMARY KEY,
    image_customer_name varchar,
    image_upload_date timestamp,
    image_filename varchar,
    has_detection boolean,
    class_id integer,
    x_norm double precision,
    y_norm double precision,
    w_norm double precision,
    h_norm double precision,
    image_width integer,
    image_height integer,
    run_id varchar,
    conf_score double precision
);

CREATE TABLE batch_run_information (
    run_id varchar PRIMARY KEY,
    start_time timestamp,
    end_time timestamp,
    trained_yolo_model varchar,
    success boolean,
    error_code varchar
);

-- Each picture's lock has the line end of the list that its name came from, and stays when the picture is processed.
INSERT INTO image_processing_status
SELECT 'dataoffice', '2024-10-23 09:03:18', 'october/street/' || number || E'.jpg\n', 'inprogress'
  FROM generate_series(1, 8) AS number;
INSERT INTO image_processing_status
SELECT 'dataoffice', '2024-10-23 09:03:18', 'october/street/' || number || '.jpg', 'processed'
  FROM unnest(ARRAY[1, 2, 3, 4, 6, 7, 8]) AS number;  -- 5: the job crashed
INSERT INTO image_processing_status VALUES
    ('dataoffice', '2025-01-15 08:00:00', E'october/street/8.jpg\n', 'inprogress'),  -- begun once more, and crashed
    ('dataoffice', '2025-01-15 08:00:00', 'october/street/9.jpg', 'failed'),  -- by hand
    ('otheroffice', '2025-01-15 08:00:00', './street/1.jpg', 'processed');

INSERT INTO detection_information
    (image_customer_name, image_upload_date, image_filename, has_detection, class_id, x_norm, y_norm, w_norm, h_norm,
     image_width, image_height, run_id, conf_score)
SELECT 'dataoffice', '2024-10-23 09:03:18', 'october/street/' || filename, TRUE, class_id, x, y, w, h, 8000, 4000, '', score
  FROM (VALUES
    -- 1, 2 and 3 were one batch: what was found so far was written again with each picture, as corners in pixels. Nobody
    -- is on 3, and so it has no row at all.
    ('1.jpg', 0, 2000.0, 2000.0, 2080.0, 2200.0, 0.91),
    ('1.jpg', 1, 4000.0, 2100.0, 4040.0, 2116.0, 0.62),
    ('1.jpg', 0, 2000.0, 2000.0, 2080.0, 2200.0, 0.91),
    ('1.jpg', 1, 4000.0, 2100.0, 4040.0, 2116.0, 0.62),
    ('2.jpg', 0, 7900.0, 1900.0, 8000.0, 2300.0, 0.77),
    ('1.jpg', 0, 2000.0, 2000.0, 2080.0, 2200.0, 0.91),
    ('1.jpg', 1, 4000.0, 2100.0, 4040.0, 2116.0, 0.62),
    ('2.jpg', 0, 7900.0, 1900.0, 8000.0, 2300.0, 0.77),
    -- Centre and size, as shares of the picture.
    ('6.jpg', 1, 0.5, 0.55, 0.005, 0.004, 0.40),
    -- One good box among such as are none: beyond the picture, of another class, with its corners the wrong way round.
    ('7.jpg', 0, 100.0, 2000.0, 140.0, 2100.0, 0.80),
    ('7.jpg', 0, 7990.0, 2000.0, 8090.0, 2100.0, 0.80),
    ('7.jpg', 2, 100.0, 2000.0, 140.0, 2100.0, 0.80),
    ('7.jpg', 0, 140.0, 2100.0, 100.0, 2000.0, 0.80),
    ('8.jpg', 0, 500.0, 2000.0, 540.0, 2100.0, 0.70),
    -- A picture that no status tells of.
    ('lost.jpg', 0, 500.0, 2000.0, 540.0, 2100.0, 0.70)
  ) AS found (filename, class_id, x, y, w, h, score);
INSERT INTO detection_information (image_customer_name, image_upload_date, image_filename, has_detection, run_id) VALUES
    ('dataoffice', '2024-10-23 09:03:18', 'october/street/4.jpg', FALSE, '');

INSERT INTO batch_run_information VALUES
    ('baas-run-1', '2024-10-23 09:10:00', '2024-10-23 11:42:10', 'best.pt', TRUE, NULL),
    ('baas-run-2', '2025-01-15 08:05:00', '2025-01-15 08:06:31', 'best.pt', FALSE, 'CUDA out of memory');
